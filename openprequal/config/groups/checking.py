"""Who may send requests at all?"""

from openprequal.config.checks import CheckName, CheckSettings
from openprequal.config.schema import Settings, Texts, setting

GROUP = "Checks before backends"


class CheckingSettings(Settings):
    """Settings under "Checks before backends"."""

    checks: dict[CheckName, CheckSettings] = setting(
        {}, "Passwords, tokens, or another server's word (docs/checks.md): a table for each.", group=GROUP, text=False
    )
    default_checks: Texts = setting(
        (), "Check that requests must pass, by its name, on routes that name none of their own.", group=GROUP
    )
