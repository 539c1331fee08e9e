"""A FastAPI application behind the gateway: one import and one line.

    pip install openprequal fastapi uvicorn
    twistd -n openprequal &
    BACKEND_PORT=8001 uvicorn --app-dir docs/examples/fastapi --port 8001 app:app

With several processes: add ``--workers 4``.
"""

import asyncio
import os

from fastapi import FastAPI

from openprequal.agent.asgi import OpenPrequal

app = FastAPI()
app.add_middleware(OpenPrequal)


@app.get("/")
async def hello() -> dict[str, int]:
    """Takes a while, like a database does."""
    await asyncio.sleep(0.02)
    return {"process": os.getpid()}
