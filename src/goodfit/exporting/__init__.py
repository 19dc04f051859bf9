"""Models for other programs: what a run has learned, as a file of ONNX or Keras."""
