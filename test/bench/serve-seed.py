"""The founding document's server, as it is written there: the base of `serve`.

Its router with Redis get and setex of five minutes, its two http middlewares, an audit log of JSON lines on standard
output, compression from 500 bytes on. What it leaves open is kept kind: the signal service is a dict in memory, a key
is a SHA-256 compared in memory. Environment: PORT, REDIS_PORT, SIGNALS (a JSON file: signals of the founding format),
API_KEY.
"""

import hashlib
import hmac
import json
import logging
import os
import sys
import time
import uuid
from datetime import datetime
from typing import Optional

import redis.asyncio
import uvicorn
from fastapi import APIRouter, FastAPI, Header, Request, status
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"severity": record.levelname, "time": time.time(), "message": record.getMessage()}
        line.update((name, value) for name, value in vars(record).items() if name not in STANDARD)
        return json.dumps(line)


handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(JsonLines())
logger = logging.getLogger("api")
logger.addHandler(handler)
logger.setLevel(logging.INFO)


class SignalService:
    def __init__(self, signals: list) -> None:
        self.by_symbol: dict = {}
        for signal in signals:
            self.by_symbol.setdefault(signal["symbol"], []).append(signal)

    async def get_signals(self, exchange: str, symbol: str, lookback: int = 1) -> list:
        found = self.by_symbol.get(symbol, [])
        if exchange != "all":
            found = [signal for signal in found if signal["exchange"] == exchange]
        return found[-lookback:]


with open(os.environ["SIGNALS"], encoding="utf-8") as file:
    signal_service = SignalService(json.load(file))
redis_client = redis.asyncio.Redis(port=int(os.environ["REDIS_PORT"]))
KEY = hashlib.sha256(os.environ["API_KEY"].encode()).digest()


async def is_valid_api_key(api_key: str) -> bool:
    return hmac.compare_digest(hashlib.sha256(api_key.encode()).digest(), KEY)


def is_quantconnect_ip(_client_ip: str) -> bool:
    return False


app = FastAPI()
router = APIRouter()
app.add_middleware(GZipMiddleware, minimum_size=500)


@router.get("/signals/batch/{exchange}/{symbols}")
async def get_batch_signals(
    exchange: str, symbols: str, lookback: int = 1, cache_control: Optional[str] = Header(None)
):
    symbol_list = symbols.split(",")
    cache_key = f"batch_signals:{exchange}:{symbols}:{lookback}"
    cached_result = await redis_client.get(cache_key)
    if cached_result and cache_control != "no-cache":
        return json.loads(cached_result)
    signals = []
    for symbol in symbol_list:
        symbol_signals = await signal_service.get_signals(exchange, symbol, lookback=lookback)
        signals.extend(symbol_signals)
    result = {"signals": signals, "timestamp": datetime.utcnow().isoformat()}
    await redis_client.setex(cache_key, 300, json.dumps(result))
    return result


app.include_router(router)


@app.middleware("http")
async def authenticate(request: Request, call_next):
    api_key = request.headers.get("X-API-KEY")
    if not api_key:
        return JSONResponse(status_code=status.HTTP_401_UNAUTHORIZED, content={"detail": "Missing API key"})
    if not await is_valid_api_key(api_key):
        return JSONResponse(status_code=status.HTTP_403_FORBIDDEN, content={"detail": "Invalid API key"})
    return await call_next(request)


@app.middleware("http")
async def audit_log(request: Request, call_next):
    request_id = str(uuid.uuid4())
    client_ip = request.client.host
    source = "quantconnect" if is_quantconnect_ip(client_ip) else "other"
    asked = {"client_ip": client_ip, "method": request.method, "path": request.url.path, "source": source}
    logger.info("API request received", extra={"request_id": request_id, **asked})
    start_time = time.time()
    response = await call_next(request)
    duration = time.time() - start_time
    answered = {"status_code": response.status_code, "duration": duration}
    logger.info("API response sent", extra={"request_id": request_id, **answered})
    return response


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
