"""What sipp's own statistics (stat.csv, one row a second) say of a run of calls."""

import csv


def epoch(cell):
    """sipp writes a time as date, time of day and seconds since 1970, separated by tabs."""
    return float(cell.split("\t")[-1])


def clock(cell):
    """HOURS:MINUTES:SECONDS:MICROSECONDS -> seconds"""
    hours, minutes, seconds, micros = cell.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(micros) / 1e6


def figures(path):
    """-> calls placed a second, until the last one was placed; mean length of a call in seconds"""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    placed = int(rows[-1]["TotalCallCreated"])
    full = next(row for row in rows if int(row["TotalCallCreated"]) == placed)
    seconds = epoch(full["CurrentTime"]) - epoch(full["StartTime"])
    return round(placed / seconds, 1), round(clock(rows[-1]["CallLength(C)"]), 2)
