"""Backtests of Closecast by rolling origins, beside the peers that a forecast has to beat."""
