"""FastAPI + asyncpg, the same work as callback.mjs. Run by uvicorn with uvloop and httptools, without an access log."""

import base64
import hashlib
import hmac
import os
import time
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from urllib.parse import parse_qsl

import asyncpg
from fastapi import FastAPI, Request, Response

TOKEN = os.environ["AUTH_TOKEN"].encode()
COMPANY = uuid.UUID(os.environ["COMPANY"])
GATEWAY = uuid.UUID(os.environ["GATEWAY"])
PUBLIC_URL = os.environ["PUBLIC_URL"]
POOL = 20 // int(os.environ.get("WORKERS", "1"))
REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
STORE = """insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at) values ($1, $2, $3, $4, $5, $6, $7)
           on conflict on constraint inbox_once do nothing"""


async def as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing here changes a connection's state."""


@asynccontextmanager
async def lifespan(app: FastAPI):
    # asyncpg prepares and keeps each statement by itself. Without `reset` every release would be another round trip.
    app.state.pool = await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=POOL, max_size=POOL, server_settings={"role": "system"}, reset=as_it_is
    )
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)


def new_id() -> uuid.UUID:
    """UUID v7: the same kind of key as ours."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def is_signed(url: str, form: dict[str, str], claimed: str) -> bool:
    text = url + "".join(key + form[key] for key in sorted(form))
    expected = base64.b64encode(hmac.new(TOKEN, text.encode(), hashlib.sha1).digest())
    return hmac.compare_digest(expected, claimed.encode())


@app.get("/healthz")
async def healthz() -> Response:
    return Response("ok")


@app.post("/hooks/twilio/{gateway}")
async def twilio(gateway: str, request: Request) -> Response:
    raw = await request.body()
    form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    url = PUBLIC_URL + path
    if not is_signed(url, form, request.headers.get("x-twilio-signature", "")):
        return Response(status_code=403)
    event = f"{form['CallSid']}:{form['SequenceNumber']}:{form['CallStatus']}"
    now = datetime.now(timezone.utc)
    await request.app.state.pool.execute(STORE, COMPANY, new_id(), GATEWAY, event, url, raw, now)
    return Response(REPLY, media_type="text/xml; charset=utf-8")
