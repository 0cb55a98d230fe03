module knfe.io/etcdgate

go 1.24
