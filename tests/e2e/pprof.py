# SPDX-License-Identifier: Apache-2.0
"""pprof read and written by Google's protobuf, from the fields of its profile.proto: shares nothing with the program's walker.

    pprof.make("cpu", stacks={("main", "work"): 3})     -> bytes, not packed
    pprof.read(bytes)                                   -> Profile, unpacked by what the bytes begin with
"""
import gzip
from collections import Counter
from dataclasses import dataclass

import zstandard
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELDS = {
    "Profile": "sample_type:1:ValueType* sample:2:Sample* mapping:3:Mapping* location:4:Location* function:5:Function* string_table:6:string* "
               "drop_frames:7 keep_frames:8 time_nanos:9 duration_nanos:10 period_type:11:ValueType period:12 comment:13:int64* default_sample_type:14",
    "ValueType": "type:1 unit:2",
    "Sample": "location_id:1:uint64* value:2:int64* label:3:Label*",
    "Label": "key:1 str:2 num:3 num_unit:4",
    "Mapping": "id:1:uint64 memory_start:2:uint64 memory_limit:3:uint64 file_offset:4:uint64 filename:5 build_id:6",
    "Location": "id:1:uint64 mapping_id:2:uint64 address:3:uint64 line:4:Line* is_folded:5:bool",
    "Line": "function_id:1:uint64 line:2 column:3",
    "Function": "id:1:uint64 name:2 system_name:3 filename:4 start_line:5",
}


def _messages():
    file = descriptor_pb2.FileDescriptorProto(name="profile.proto", package="perftools.profiles", syntax="proto3")
    kinds = {"int64": 3, "uint64": 4, "string": 9, "bool": 8}
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for text in fields.split():
            field, number, kind = (text.rstrip("*") + ":int64").split(":")[:3]
            made = message.field.add(name=field, number=int(number), label=3 if text.endswith("*") else 1, type=kinds.get(kind, 11))
            if kind not in kinds:
                made.type_name = f".perftools.profiles.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"perftools.profiles.{name}")) for name in FIELDS}


MESSAGES = _messages()


@dataclass
class Profile:
    types: list      # ("cpu", "nanoseconds")
    stacks: Counter  # {("main", "work"): values}, the root first; of the first type
    labels: list     # {key: text or number} of each sample
    period: int
    duration: int
    time: int


def unpack(data):
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def read(data):
    p = MESSAGES["Profile"].FromString(unpack(data))
    texts, functions = p.string_table, {f.id: f for f in p.function}
    locations = {x.id: [texts[functions[line.function_id].name] for line in reversed(x.line)] for x in p.location}
    assert texts[0] == "" and all(len(s.value) == len(p.sample_type) for s in p.sample)
    stacks = Counter()
    for s in p.sample:
        stacks[tuple(name for at in reversed(s.location_id) for name in locations[at])] += s.value[0]
    labels = [{texts[x.key]: texts[x.str] if x.str else x.num for x in s.label} for s in p.sample]
    return Profile([(texts[t.type], texts[t.unit]) for t in p.sample_type], stacks, labels, p.period, p.duration_nanos, p.time_nanos)


def make(kind="cpu", stacks=None, types=None, labels=None, period=10_000_000, time=1_795_991_401_071_327_735, duration=60_000_000_000, padding=0):
    """stacks: {("root", …, "leaf"): value or values}; types: (type, unit) of each value; labels: {key: text or number} of every sample."""
    p, texts = MESSAGES["Profile"](), {"": 0}

    def number(text):
        return texts.setdefault(text, len(texts))
    types = types or [(kind, "nanoseconds")]
    for name, unit in types:
        p.sample_type.add(type=number(name), unit=number(unit))
    p.period_type.type, p.period_type.unit = number(kind), number("nanoseconds")
    p.period, p.time_nanos, p.duration_nanos = period, time, duration
    p.mapping.add(id=1, filename=number("/usr/bin/shop"), build_id=number("abcd"), memory_start=4096, memory_limit=8192)
    places = {}
    for stack, values in (stacks or {("main", "work"): 3}).items():
        for name in stack:
            if name not in places:
                at = places[name] = len(places) + 1
                p.function.add(id=at, name=number(name), system_name=number(name), filename=number("shop.py"), start_line=at)
                p.location.add(id=at, mapping_id=1, address=at).line.add(function_id=at, line=10 * at)
        sample = p.sample.add(location_id=[places[name] for name in reversed(stack)], value=values if isinstance(values, list) else [values] * len(types))
        for key, value in (labels or {}).items():
            sample.label.add(key=number(key), **({"str": number(value)} if isinstance(value, str) else {"num": value}))
    if padding:
        number("x" * padding)
    p.string_table.extend(texts)
    return p.SerializeToString()
