"""Where tables come from: files, text, data frames, built-in data sets."""
