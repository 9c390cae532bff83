"""Only what pyproject.toml cannot say: the models folder travels in the wheel as rtdet/_models."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["rtdet", "rtdet.*"]), "rtdet._models"],
    package_dir={"rtdet._models": "models"},
    package_data={
        "rtdet": ["py.typed"],
        "rtdet.evaluation.report": ["*.j2", "*.css"],
        "rtdet.explain": ["*.j2", "*.css"],
        "rtdet._models": ["*.toml", "*.safetensors", "*.onnx", "cfg/*.cfg"],
    },
)
