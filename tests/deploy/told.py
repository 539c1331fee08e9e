"""Would a container start with what it is told?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openprequal.config.loading import read


def mistakes(model: Any, environment: Mapping[str, str], folder: Path, config: str | None = None) -> list[str]:
    """What *model*'s settings have against *environment* and the file *config*; its token is mounted in *folder*."""
    token = folder / "token"
    token.write_text("secret\n")
    mounted = {"OPENPREQUAL_TOKEN_FILE": str(token)} if "OPENPREQUAL_TOKEN_FILE" in environment else {}
    return [mistake.text for mistake in read(model, {}, {**environment, **mounted}, config).mistakes]
