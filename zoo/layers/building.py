"""Building parts that may have been built already."""


def build_once(part, *shapes) -> None:
    """Build a layer unless it is built: a part may be shared, or come built out of a saved configuration."""
    if part is not None and not part.built:
        part.build(*shapes)
