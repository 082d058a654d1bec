"""How dates are written where Django's own way does not suit; named in FORMAT_MODULE_PATH."""
