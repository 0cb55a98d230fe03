#include "cmd/guest.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/environment.h"
#include "base/log.h"
#include "guest/account.h"
#include "guest/agent.h"
#include "guest/disks.h"
#include "guest/install.h"
#include "guest/scale.h"
#include "kube/renewal.h"

namespace knfe::cmd {

namespace {

int give_up(const Error& error) {
  log(Level::kError, "the guest agent gives up", {{"error", error.text()}});
  return 1;
}

// Who we are and the way to the API server: what install and run share.
struct Outside {
  guest::Identity identity;
  kube::Config config;
  net::Loop loop;
  std::unique_ptr<net::RenewableClient> transport;
  std::unique_ptr<kube::Renewal> renewal;
  std::unique_ptr<kube::ApiClient> api;
  std::unique_ptr<guest::Account> account;  // null in a pod: kubelet renews its token

  // In a pod the environment says who we are; in a virtual machine, disks do, and `user` who we become.
  Result<void> open(const guest::User& user = {}) {
    const bool machine = in_machine();
    if (machine) {
      if (auto mounted = guest::mount_disks(guest::kRunFolder, user); !mounted) return mounted;
      if (auto became = guest::become(user); !became) return became;
    }
    if (auto connected = connect(machine); !connected) return connected;
    KNFE_TRY(identity, guest::identity_from_environment());
    if (machine) {
      account =
          std::make_unique<guest::Account>(loop, *api, identity.ns, identity.member, guest::kRunFolder, options.service_account);
    }
    return {};
  }

  // Beside the agent, with its rights: in a virtual machine it has prepared what this needs.
  Result<void> join() { return connect(in_machine()); }

 private:
  kube::ConfigOptions options;

  bool in_machine() const { return ::access((options.service_account + "/token").c_str(), F_OK) != 0; }
  Result<void> connect(bool machine) {
    if (machine) {
      if (auto taken = guest::take_identity(guest::kRunFolder); !taken) return taken;
      options.service_account = guest::account_folder(guest::kRunFolder);
    }
    KNFE_TRY(config, kube::load_config(options));
    if (machine) {
      KNFE_TRY(config.token_file, guest::Account::prepare(guest::kRunFolder, options.service_account));
    }
    net::ClientSettings settings;
    settings.max_idle = 1;
    KNFE_TRY(transport, net::make_https_client(loop, config.endpoint, settings));
    renewal = std::make_unique<kube::Renewal>(loop, *transport, options, config);
    api = std::make_unique<kube::ApiClient>(*transport, config, &loop);
    return {};
  }
};

}  // namespace

int guest_install() {
  if (auto installed = guest::install_binary(); !installed) return give_up(installed.error());
  Outside outside;
  if (auto opened = outside.open(); !opened) return give_up(opened.error());
  Result<void> result;
  const auto stop = outside.loop.on_stop_signal([&] {
    result = fail(Code::kCanceled, "stopped before the member list was there");
    outside.loop.stop();
  });
  guest::install_list(outside.loop, *outside.api, outside.identity, std::chrono::minutes(2), [&](Result<void> installed) {
    result = std::move(installed);
    outside.loop.stop();
  });
  outside.loop.run();
  return result ? 0 : give_up(result.error());
}

int guest_run(const std::string& user_text) {
  const auto user = guest::parse_user(user_text);
  if (!user) return give_up({Code::kInvalid, "--user " + user_text + ": say UID or UID:GID, as numbers", {}, {}, 0});
  Outside outside;
  if (auto opened = outside.open(*user); !opened) return give_up(opened.error());
  guest::Agent agent(outside.loop, *outside.api, outside.identity);
  if (auto started = agent.start(); !started) return give_up(started.error());
  const auto stop = outside.loop.on_stop_signal([&] { outside.loop.stop(); });
  log(Level::kInfo, "guest agent runs", {{"member", outside.identity.member}, {"function", outside.identity.function}});
  outside.loop.run();
  return 0;
}

int guest_leave(int timeout_seconds, const std::vector<std::string>& command) {
  const auto left = net::ring_and_wait(guest::kDoorbell, std::chrono::seconds(timeout_seconds));
  const int code = left ? 0 : give_up(left.error());
  if (command.empty()) return code;
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  return give_up({Code::kNotFound, command[0] + " cannot be run: " + std::strerror(errno), {}, {}, 0});
}

int guest_scale(const std::string& text) {
  const auto resize = guest::parse_resize(text);
  if (!resize) {
    std::fprintf(stderr, "knfe: %s: say how many members, such as 5, or how many more or fewer, such as +1 or -1\n",
                 text.c_str());
    return 2;
  }
  Outside outside;
  if (auto joined = outside.join(); !joined) return give_up(joined.error());
  const std::string ns = environment("KNFE_NAMESPACE"), function = environment("KNFE_FUNCTION"), role = environment("KNFE_ROLE");
  if (ns.empty() || function.empty() || role.empty())
    return give_up({Code::kInvalid,
                    "KNFE_NAMESPACE, KNFE_FUNCTION and KNFE_ROLE must be set: this runs inside a member",
                    "environment",
                    {},
                    0});
  const api::Key set{ns, function + "-" + role};
  int code = 1;
  const auto end = [&](Result<std::int32_t> wanted) {
    code = wanted ? 0 : give_up(wanted.error());
    if (wanted) std::printf("%s %d\n", std::string(set.name).c_str(), *wanted);
    outside.loop.stop();
  };
  guest::scale(outside.loop, *outside.api, set, *resize, end);
  const auto limit = outside.loop.after(guest::kScaleLimit, [&] { end(fail(Code::kTimeout, "no answer in time")); });
  outside.loop.run();
  return code;
}

}  // namespace knfe::cmd
