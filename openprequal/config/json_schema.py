"""What may stand in the settings file, for editors: a JSON schema of the file, made from the settings' fields.

``python -m openprequal.config.json_schema`` writes it to standard output. It is narrower than what is read: of several
ways to write a value it takes that of TOML, no text for a number.
"""

import json
import sys
from pathlib import Path
from typing import Any

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.schema import Setting, Settings, settings_of

FILE = Path(__file__).with_name("openprequal.schema.json")
"""The schema as it is shipped; held current by a test."""

# Editors' validators know this draft best.
_DRAFT = "http://json-schema.org/draft-07/schema#"
_REFERENCE = {"$ref": "#/$defs/Reference"}
_FOR_OURSELVES = ("title", "group", "env", "text", "secret", "allowed", "writeOnly", "format")


def schema() -> dict[str, Any]:
    """The schema of a file of both commands."""
    document, definitions = _table(GatewaySettings)
    backend, more = _table(AgentSettings)
    definitions |= more
    definitions["ServiceSettings"]["description"] = "A service; what it leaves out is as for the gateway."
    for key in definitions["ServiceSettings"]["properties"].values():
        key.pop("default", None)
    definitions["Reference"] = {
        "description": "Something from the environment or a file: ${NAME}, ${NAME:-default}, ${file:PATH}.",
        "type": "string",
        "pattern": r"\$\{[^}]+\}",
    }
    document["description"] = "Settings of twistd openprequal and, in the table backend, of twistd openprequal-backend."
    document["properties"]["backend"] = {**backend, "description": "Settings of twistd openprequal-backend."}
    return {"$schema": _DRAFT, "title": "OpenPrequal", **document, "$defs": dict(sorted(definitions.items()))}


def text() -> str:
    """The same as it is shipped."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _table(model: type[Settings]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of one command's settings, and what it refers to."""
    made = model.model_json_schema()
    definitions = made.pop("$defs", {})
    settings = settings_of(model)
    for name, property_ in made["properties"].items():
        made["properties"][name] = _property(settings[name], property_)
    for each in (*definitions.values(), *made["properties"].values()):
        _for_files(each)
    return _without(made, ("title", "description")), definitions


def _property(setting: Setting, made: dict[str, Any]) -> dict[str, Any]:
    if setting.secret:
        return {"description": made["description"], **_REFERENCE}
    return made


def _for_files(made: Any) -> None:
    """Let it say, all the way down, what stands in TOML: ``none`` for null, references for what is no plain text."""
    if isinstance(made, list):
        for each in made:
            _for_files(each)
    if not isinstance(made, dict):
        return
    if isinstance(made.get("description"), str) and isinstance(made.get("allowed"), str):
        made["description"] = f"{made['description']} Allowed: {made['allowed']}."
    for key in _FOR_OURSELVES:
        if not isinstance(made.get(key), dict):
            made.pop(key, None)
    if "patternProperties" in made:
        made["additionalProperties"] = False
    for key, each in made.items():
        if key != "default":
            _for_files(each)
    if made.get("type") == "null":
        del made["type"]
        made["const"] = "none"
    elif made.get("type") in ("integer", "number", "boolean") or "enum" in made or "pattern" in made:
        bounds = {key: made.pop(key) for key in list(made) if key not in ("description", "default")}
        made["anyOf"] = [bounds, _REFERENCE]
    if made.get("default", "") is None:
        made["default"] = "none"


def _without(made: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: each for key, each in made.items() if key not in keys}


if __name__ == "__main__":
    sys.stdout.write(text())
