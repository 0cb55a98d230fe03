"""What went wrong, in words: never nothing, since nothing means that all went well."""

import traceback


def trouble(error):
    """What a failed assertion says; of all else, and where it says nothing, where that was."""
    return str(error) if isinstance(error, AssertionError) and str(error) else "".join(traceback.format_exception(error))
