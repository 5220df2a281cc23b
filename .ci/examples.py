"""Checks that every example in an OpenAPI document fits the schema beside it."""

import json
import sys
import urllib.request

import jsonschema

document = json.load(urllib.request.urlopen(sys.argv[1]))
checked = 0


def check(place, content):
    global checked
    for media_type, content in content.items():
        if "json" not in media_type or "ndjson" in media_type:
            continue
        schema = {**content["schema"], "components": document["components"]}
        examples = [example["value"] for example in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        if not examples:
            sys.exit(f"{place} {media_type} has no example")
        for example in examples:
            try:
                jsonschema.Draft202012Validator(schema).validate(example)
            except jsonschema.ValidationError as error:
                sys.exit(f"{place} {media_type}: {error.json_path}: {error.message}")
            checked += 1


for paths in (document["paths"], document["webhooks"]):
    for path, item in paths.items():
        for verb, operation in item.items():
            if "requestBody" in operation:
                check(f"{verb} {path}", operation["requestBody"]["content"])
            for status, response in operation["responses"].items():
                check(f"{verb} {path} {status}", response.get("content", {}))
print(f"{checked} examples fit their schemas")
