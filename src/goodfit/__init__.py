"""goodfit trains regularised neural networks on people's own data and says whether the fit is good."""
