"""Lets requests that are right in form mean something: they name wallets that exist, and each has
a key of its own. Without this nearly all of them would end at 404 or at a key that was used
before, and nothing behind that would be asked. Requests that are wrong on purpose stay as they
are.
"""

import itertools
import json
import os
import re

import schemathesis

# {"wallet": ["wal_…"], "merchant": ["wal_…"], "alert": […], …}, from tests/it/schemathesis.rs.
KNOWN = json.loads(os.environ["KNOWN_IDS"])
# What stands before `{id}`, and what it is the id of.
NOUNS = {
    "wallets": "wallet",
    "alerts": "alert",
    "batches": "batch",
    "dead-letters": "dead_letter",
    "holds": "hold",
}
# Fields of bodies and queries that name a wallet.
FIELDS = {"wallet": "wallet", "to_wallet": "merchant", "merchant": "merchant"}
# Moments in queries.
MOMENTS = {"from": "2020-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z", "at": "2025-01-01T00:00:00Z"}

numbers = itertools.count()


def known(noun, number):
    ids = KNOWN.get(noun) or [None]
    return ids[number % len(ids)]


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    number = next(numbers)
    if any(name.lower() == "idempotency-key" for name in case.headers or {}):
        case.headers["Idempotency-Key"] = f"schemathesis-{number}"
    if case.query:
        # Only a list gives cursors out.
        case.query.pop("cursor", None)
        name_wallets(case.query, number)
        make_coherent(case.query, case.operation.path)
    if isinstance(case.body, dict):
        make_meaningful(case.body, number)
        if case.operation.path == "/v1/holds" and case.body.get("merchant") is not None:
            # A merchant's hold is for an order.
            case.body["order_reference"] = f"order-{number}"
        # Every operation of a batch has its own key.
        for index, operation in enumerate(case.body.get("operations") or []):
            make_meaningful(operation, number + index)
            operation["key"] = f"schemathesis-{number}-{index}"
    # Later steps of a story name what an earlier one made.
    if "id" in (case.path_parameters or {}) and case.meta.phase.name.value != "stateful":
        before_id = re.search(r"([a-z-]+)/\{id\}", case.operation.path)
        found = known(NOUNS.get(before_id.group(1)), number) if before_id else None
        if found is not None:
            case.path_parameters["id"] = found


def make_coherent(query, path):
    """What no schema can say of a query: a period begins before it ends, amounts are amounts of a
    currency, and which time a moment is about needs the moment.
    """
    if path == "/v1/wallets/{id}" and "by" in query:
        query["at"] = MOMENTS["at"]
    for field, moment in MOMENTS.items():
        if field in query:
            query[field] = moment
    if "min_amount" in query or "max_amount" in query:
        query["currency"] = "EUR"
    for field, amount in {"min_amount": "1", "max_amount": "100"}.items():
        if field in query:
            query[field] = amount


def make_meaningful(body, number):
    name_wallets(body, number)
    # Every other movement is one that the wallet has the money for.
    if "amount" in body and number % 2:
        body["amount"] = "1"
        if "currency" in body:
            body["currency"] = "EUR"
    # Money is for a merchant or for a wallet, and an order is a merchant's.
    if body.get("merchant") is not None and body.get("to_wallet") is not None:
        del body["to_wallet"]
    if body.get("merchant") is None:
        body.pop("order_reference", None)


def name_wallets(fields, number):
    for field, noun in FIELDS.items():
        if field in fields and fields[field] is not None:
            fields[field] = known(noun, number) or fields[field]
