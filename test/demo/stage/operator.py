"""KNFE's own pod, as the demos see it."""


class Operator:
    """KNFE's own pod: what it uses and writes, over all its lives."""

    def __init__(self, cluster):
        self.cluster, self.seen = cluster, {}  # pod UID -> last metrics

    def pod(self):
        pods = self.cluster.get("pods", "-n", "knfe-system", "-l", "app.kubernetes.io/name=knfe")["items"]
        return next((pod for pod in pods if "deletionTimestamp" not in pod["metadata"]), None)

    def scrape(self):
        pod = self.pod()
        text = self.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/knfe-system/pods/{pod['metadata']['name']}:8080/proxy/metrics")
        metrics = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        self.seen[pod["metadata"]["uid"]] = metrics
        return metrics

    def rss_mib(self):
        return round(float(self.scrape()["process_resident_memory_bytes"]) / 2**20, 1)

    def peak_mib(self):
        return round(max(float(m["knfe_resident_memory_peak_bytes"]) for m in self.seen.values()) / 2**20, 1)

    def cpu_seconds(self):
        return round(sum(float(m["process_cpu_seconds_total"]) for m in self.seen.values()), 2)

    def writes(self):
        total = {}
        for metrics in self.seen.values():
            for key, value in metrics.items():
                if key.startswith("knfe_api_requests_total{") and 'verb="get"' not in key and 'verb="list"' not in key:
                    resource = key.split('resource="')[1].split('"')[0]
                    total[resource] = total.get(resource, 0) + int(value)
        return dict(sorted(total.items()))
