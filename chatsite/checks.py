"""Wrong settings, told as sentences with an id and a hint."""
