"""Controls of the numeric oracle: a correct compiler that differs from eager, which must be accepted, and the same with
one fault, which must be rejected (ORACLE.md).

    python -m benchmarks.controls accept --cases 20000 --jobs 2 --seed 1
    python -m benchmarks.controls reject --cases 60 --dtype float32 --jobs 2 --seed 1
"""
