"""A Flask application behind the gateway: one import and one line.

    pip install openprequal flask gunicorn
    twistd -n openprequal &
    BACKEND_PORT=8001 gunicorn --chdir docs/examples/flask --bind 127.0.0.1:8001 --workers 2 --threads 4 app:app

Processes and threads together are one backend; ``--preload`` makes no difference.
"""

import os
import time

from flask import Flask

from openprequal.agent.wsgi import OpenPrequal

app = Flask(__name__)
app.wsgi_app = OpenPrequal(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/")
def hello() -> dict[str, int]:
    """Takes a while, like a database does."""
    time.sleep(0.02)
    return {"process": os.getpid()}
