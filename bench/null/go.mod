module knfe.io/bench/null

go 1.25.0
