"""Networks written as files for other programs and machines: ONNX or OpenVINO, with weights in half precision or
quantised to int8. rtdet's own networks are traced by `detectors.family.export`; those of others are converted here.
"""
