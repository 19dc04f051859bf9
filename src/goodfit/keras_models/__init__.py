"""Models of Keras, trained and swept by goodfit."""
