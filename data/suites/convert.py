#!/usr/bin/env python3
"""Makes the items.jsonl of each suite in this folder from the published files.

usage: convert.py SOURCES

SOURCES holds the files named in SUITES below, as JSON lines; README.md says where each one comes
from and which part of it is used. What an evaluation does not need (worked solutions, metadata) is
left out. docs/formats/eval-items.md describes the result.
"""
import json
import lzma
import pathlib
import sys


def rows(path):
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def number(value):
    """145.0 is 145: both were written by a program that knew no integers."""
    return str(int(value)) if float(value).is_integer() else str(value)


def gsm8k(row):
    return {"question": row["question"], "answer": row["answer"].split("####")[-1].strip()}


def math500(row):
    return {"id": row["unique_id"].removesuffix(".json"), "group": row["subject"],
            "question": row["problem"], "answer": row["answer"]}


def svamp(row):
    return {"id": row["id"], "group": row["type"], "question": row["question"],
            "answer": number(row["answer"])}


def aqua(row):
    return {"question": row["question"], "choices": [o.split(")", 1)[1] for o in row["options"]],
            "answer": row["correct"]}


def multiple_choice(row):
    return {"question": row["query"].removeprefix("Question: "), "choices": row["choices"],
            "answer": chr(ord("A") + row["gold"])}


def commonsenseqa(row):
    return {"id": row["id"], "question": row["question"], "choices": list(row["choices"].values()),
            "answer": row["answer"]}


def humaneval(row):
    return {"id": row["task_id"],
            "question": "Complete this Python function:\n\n```python\n" + row["prompt"].strip() + "\n```",
            "preamble": row["prompt"], "tests": row["test"].strip() + "\n\ncheck(" + row["entry_point"] + ")\n"}


def mbpp(row):
    return {"id": row["task_id"],
            "question": row["text"] + "\n\nIt must pass these tests:\n\n```python\n" + "\n".join(row["test_list"]) + "\n```",
            "tests": "\n".join([row["test_setup_code"]] + row["test_list"]).replace("\r", "").strip() + "\n"}


SUITES = {
    "gsm8k": ("gsm8k/test.jsonl.xz", gsm8k),
    "math500": ("math/math500.jsonl.xz", math500),
    "svamp": ("word-problems/svamp.jsonl.xz", svamp),
    "aqua": ("word-problems/aqua-test.jsonl.xz", aqua),
    "arc_easy": ("lm-eval/arc_easy.jsonl.xz", multiple_choice),
    "arc_challenge": ("lm-eval/arc_challenge.jsonl.xz", multiple_choice),
    "openbook_qa": ("lm-eval/openbook_qa.jsonl", multiple_choice),
    "commonsenseqa": ("commonsense/commonsenseqa-dev.jsonl.xz", commonsenseqa),
    "humaneval": ("code-benchmarks/HumanEval.jsonl.xz", humaneval),
    "mbpp": ("code-benchmarks/mbpp-test.jsonl.xz", mbpp),
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    here = pathlib.Path(__file__).parent
    for name, (source, convert) in SUITES.items():
        lines = [json.dumps(convert(row), ensure_ascii=False) for row in rows(pathlib.Path(sys.argv[1]) / source)]
        (here / name).mkdir(exist_ok=True)
        (here / name / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{name}: {len(lines)} items")


main()
