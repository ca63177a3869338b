"""Motifs: small subgraphs that rewriting passes of compilers look for, inserted whole or with one thing changed."""
