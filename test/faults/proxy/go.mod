module knfe.io/faultproxy

go 1.24
