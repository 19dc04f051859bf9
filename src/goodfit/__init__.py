"""goodfit trains regularised neural networks on people's own data and says whether the fit is good.

The public names stand in ``__init__.pyi``, once; each is loaded when it is first used (SPEC 1 of Scientific Python).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
