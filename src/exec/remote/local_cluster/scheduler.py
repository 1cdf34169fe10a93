"""A stock scheduler that ends with the process that started it: see scheduler.rs for what is read and written."""

import asyncio
import gc
import os
import sys
import threading


def end_with_parent():
    while os.read(0, 4096):
        pass
    os._exit(0)


async def main(host, port, dashboard, ca_file, cert, key):
    from distributed import Scheduler
    from distributed.security import Security

    security, protocol = None, "tcp://"
    if ca_file:
        protocol = "tls://"
        security = Security(
            tls_ca_file=ca_file, tls_scheduler_cert=cert, tls_scheduler_key=key, require_encryption=True
        )
    options = {"dashboard": True, "dashboard_address": dashboard} if dashboard else {"dashboard": False}
    scheduler = await Scheduler(host=host, port=int(port), protocol=protocol, security=security, **options)
    services = scheduler.identity()["services"]
    print("hyperslab-scheduler", scheduler.address, services.get("dashboard", 0), flush=True)
    await scheduler.finished()


threading.Thread(target=end_with_parent, daemon=True).start()
# As the command `dask scheduler` has it: many small objects are made, and few of them are garbage.
gc.set_threshold(*(3 * n for n in gc.get_threshold()))
asyncio.run(main(*sys.argv[1:]))
