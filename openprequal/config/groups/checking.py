"""Who may send requests at all?"""

from typing import Annotated

from openprequal.config.checks import CheckName, CheckSettings
from openprequal.config.schema import Settings, SplitTexts, setting

GROUP = "Checks before backends"


class CheckingSettings(Settings):
    """Settings under "Checks before backends"."""

    checks: dict[CheckName, CheckSettings] = setting(
        {}, "Passwords, tokens, or another server's word (docs/checks.md): a table for each.", group=GROUP, text=False
    )
    default_checks: Annotated[tuple[CheckName, ...], SplitTexts] = setting(
        (), "Check that requests must pass, by its name, on routes that name none of their own.", group=GROUP
    )
