#!/usr/bin/env bash
# On a machine with a CUDA device: the tests of the Triton kernels, then the benchmark, in under 8 minutes.
# Leaves one record, benchmarks/results/<device>.json; PYTHON names the interpreter, OUT another file.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
timeout 150 "$python" -m pytest -q -p no:cacheprovider tests/kernels/test_triton_gpu.py
timeout 330 "$python" -m benchmarks.run --device cuda ${OUT:+--out "$OUT"}
