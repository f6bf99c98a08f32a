/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/privatetmp.h"

#include <fcntl.h>
#include <sys/prctl.h>

#include "core/sandbox.h"
#include "daemon/child.h"
#include "daemon/manager.h"
#include "daemon/removals.h"
#include "daemon/supervisor.h"
#include "util/log.h"

static void delete_in(const char *base_path, const char *name)
{
	cleanup_close int base = open(base_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	removals_delete(base, name);
}

void privatetmp_note_gone(struct supervised *sv, uint64_t run)
{
	const struct host_facts *host = &sv->manager->host;
	char name[PRIVATE_TMP_NAME_MAX];
	int pidfd;
	pid_t pid;

	if (!sv->unit->sandbox || !sv->unit->sandbox->private_tmp || run == 0)
		return;
	private_tmp_name(name, supervised_name(sv), host, run);
	pid = child_fork(STDERR_FILENO, &pidfd);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, 0); /* cgkilld may end long before this does */
		delete_in(host->tmp_dir, name);
		delete_in(host->var_tmp_dir, name);
		_exit(0);
	}
	if (pid > 0)
		child_await(sv->manager->loop, pidfd);
	else
		log_warning("%s: nobody deletes %s/%s: %s", supervised_name(sv), host->tmp_dir,
			    name, strerror((int)-pid));
}
