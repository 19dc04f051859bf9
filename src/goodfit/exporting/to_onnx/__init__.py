"""A run as one ONNX graph, from the raw columns to the prediction."""
