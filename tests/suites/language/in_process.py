"""Workers that run their jobs in this process, where tests can replace what the jobs call."""

from contextlib import contextmanager

ARITHMETIC = {"architecture": "BERT", "digest": "that of a test"}


class InProcess:
    def run(self, jobs, finished=lambda done: None):
        finished(0)
        results = []
        for number, job in enumerate(jobs, start=1):
            results.append(job())
            finished(number)
        return results


@contextmanager
def start_in_process(count):
    yield InProcess()
