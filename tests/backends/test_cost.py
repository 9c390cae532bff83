import numpy as np
import pytest

from rtdet.backends.cost import cost_of_graph
from rtdet.backends.openvino import load_openvino

ops = load_openvino().opset13


def graph_of(output, picture):
    return load_openvino().Model([output], [picture], "small")


@pytest.fixture
def picture():
    return ops.parameter([1, 3, 20, 30], np.float32)


def constant(*shape):
    return ops.constant(np.ones(shape, np.float32))


def test_a_convolution_costs_its_kernel_for_each_value_of_its_output(picture):
    layer = ops.convolution(picture, constant(8, 3, 5, 5), [2, 2], [2, 2], [2, 2], [1, 1])
    cost = cost_of_graph(graph_of(ops.add(layer, constant(1, 8, 1, 1)), picture))
    assert cost.parameters == 8 * 3 * 5 * 5 + 8
    assert cost.multiply_adds == (8 * 10 * 15) * (3 * 5 * 5)
    assert cost.input_size == (30, 20)


def test_a_depthwise_convolution_costs_one_kernel_for_each_channel(picture):
    layer = ops.group_convolution(picture, constant(3, 1, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    cost = cost_of_graph(graph_of(layer, picture))
    assert (cost.parameters, cost.multiply_adds) == (27, 3 * 20 * 30 * 9)


def test_a_transposed_convolution_costs_its_kernel_for_each_value_of_its_input(picture):
    layer = ops.convolution_backprop_data(picture, constant(3, 4, 2, 2), [2, 2])
    cost = cost_of_graph(graph_of(layer, picture))
    assert (cost.parameters, cost.multiply_adds) == (3 * 4 * 4, 3 * 20 * 30 * 4 * 4)


def test_a_matrix_product_costs_its_inner_length_for_each_value_of_its_output(picture):
    flat = ops.reshape(picture, ops.constant(np.array([1, 1800])), False)
    cost = cost_of_graph(graph_of(ops.matmul(flat, constant(1800, 10), False, False), picture))
    assert (cost.parameters, cost.multiply_adds) == (18_000, 18_000)


def test_weights_stored_in_half_precision_are_counted_once_where_two_layers_share_them(picture):
    half = ops.convert(ops.constant(np.ones((3, 3, 1, 1), np.float16)), "f32")
    first = ops.convolution(picture, half, [1, 1], [0, 0], [0, 0], [1, 1])
    second = ops.convolution(first, half, [1, 1], [0, 0], [0, 0], [1, 1])
    cost = cost_of_graph(graph_of(second, picture))
    assert (cost.parameters, cost.multiply_adds) == (9, 2 * 9 * 600)


def test_a_network_of_any_size_has_parameters_and_no_count_of_its_work():
    picture = ops.parameter([1, 3, -1, -1], np.float32)
    layer = ops.convolution(picture, constant(8, 3, 1, 1), [1, 1], [0, 0], [0, 0], [1, 1])
    cost = cost_of_graph(graph_of(layer, picture))
    assert (cost.parameters, cost.multiply_adds, cost.input_size) == (24, None, None)
