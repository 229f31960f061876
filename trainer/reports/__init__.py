"""What is told of models: the paper's tables, the honest protocol beside them, audits.

The training loop is trainer/train.py.
"""
