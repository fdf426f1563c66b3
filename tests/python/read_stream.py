"""Reads the ledger's stream from the beginning and believes nothing.

A consumer in another language, written from the documentation alone: it checks that positions
have no gap, that the SHA-256 chain starts at 32 zero bytes and holds, and that the headers
repeat what the data says. Prints the last position, its hash and the types it met as JSON.
"""

import asyncio
import hashlib
import json
import sys

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy


def check(message, seq, previous):
    """The message's hash, when it is the event after `seq` and says so everywhere."""
    headers, data = message.headers, json.loads(message.data)
    linked = hashlib.sha256(previous + message.data).digest()
    claims = {
        "Florin-Seq": str(seq + 1),
        "Florin-Hash": linked.hex(),
        "ce-specversion": "1.0",
        "ce-id": data["id"],
        "ce-type": data["type"],
        "ce-source": "/florin/ledger",
        "ce-time": data["posted_at"],
        "Content-Type": "application/json",
        "Nats-Msg-Id": data["id"] + "." + headers["Florin-Epoch"],
    }
    for name, expected in claims.items():
        if headers.get(name) != expected:
            sys.exit(f"event {seq + 1}: {name} is {headers.get(name)}, not {expected}")
    if data["seq"] != seq + 1:
        sys.exit(f"event {seq + 1}: the data says {data['seq']}")
    noun, verb = data["type"].split(".")[2:4]
    if not message.subject.startswith(f"ledger.v1.{noun}.{verb}."):
        sys.exit(f"event {seq + 1}: a {data['type']} on {message.subject}")
    return linked


async def main(url, stream):
    client = await nats.connect(url)
    context = client.jetstream()
    last = (await context.stream_info(stream)).state.last_seq
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)
    events = await context.pull_subscribe("ledger.v1.>", stream=stream, config=config)
    seq, hash_, types = 0, bytes(32), set()
    while seq < last:
        for message in await events.fetch(min(500, last - seq), timeout=10):
            hash_ = check(message, seq, hash_)
            types.add(message.headers["ce-type"])
            seq += 1
    await client.close()
    print(json.dumps({"seq": seq, "hash": hash_.hex(), "types": sorted(types)}))


asyncio.run(main(*sys.argv[1:]))
