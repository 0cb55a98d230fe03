"""What sipp's own statistics (stat.csv, one row a second) say of a run of calls."""

import csv


def epoch(cell):
    """sipp writes a time as date, time of day and seconds since 1970, separated by tabs."""
    return float(cell.split("\t")[-1])


def clock(cell):
    """HOURS:MINUTES:SECONDS:MICROSECONDS -> seconds"""
    hours, minutes, seconds, micros = cell.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(micros) / 1e6


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def placed(path):
    """-> [(time, calls placed in the second before)]"""
    rows, out = rows_of(path), []
    for before, row in zip(rows, rows[1:]):
        out.append((epoch(row["CurrentTime"]), int(row["TotalCallCreated"]) - int(before["TotalCallCreated"])))
    return out


def up(path):
    """-> [(time, calls that are up)]"""
    return [(epoch(row["CurrentTime"]), int(row["CurrentCall"])) for row in rows_of(path)]


def figures(path):
    """-> calls placed a second, until the last one was placed; mean length of a call in seconds"""
    rows = rows_of(path)
    placed = int(rows[-1]["TotalCallCreated"])
    full = next(row for row in rows if int(row["TotalCallCreated"]) == placed)
    seconds = epoch(full["CurrentTime"]) - epoch(full["StartTime"])
    return round(placed / seconds, 1), round(clock(rows[-1]["CallLength(C)"]), 2)
