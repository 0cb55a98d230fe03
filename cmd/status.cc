#include "cmd/status.h"

#include <cstdio>

#include "kube/api_client.h"
#include "net/https_client.h"

namespace knfe::cmd {

namespace {

// Reads the lists that a report needs, one after the other, each page by page.
class Reader {
 public:
  Reader(net::Loop& loop, kube::ApiClient& api, kube::Scope scope) : loop_(loop), api_(api), scope_(std::move(scope)) {}

  template <class T>
  void want(kube::Cache<T>& cache, Result<T> (*decode)(const Json&), const char* label_selector = "") {
    kube::Scope scope = scope_;
    scope.label_selector = label_selector;
    steps_.push_back({T::resource, scope, [&cache, decode](const Json& item) {
                        if (auto object = decode(item)) cache.put(std::move(*object));
                      }});
  }
  Result<void> run() {
    next({});
    loop_.run();
    return result_;
  }

 private:
  struct Step {
    api::Resource resource;
    kube::Scope scope;
    std::function<void(const Json&)> take;
  };

  void next(const std::string& token) {
    if (at_ == steps_.size()) return loop_.stop();
    const auto& step = steps_[at_];
    call_ = api_.call(step.resource.plural, "list", kube::list_request(step.resource, step.scope, 500, token),
                      [this, &step](const Result<Json>& page) {
                        if (!page) {
                          result_ = std::unexpected(page.error());
                          if (page.error().code == Code::kUnserved)
                            result_.error().hint = "is KNFE installed there? kubectl apply -k deploy/";
                          return loop_.stop();
                        }
                        for (const auto& item : as_array(at(*page, "items"))) step.take(item);
                        const std::string more(as_string(at(*page, "metadata", "continue")));
                        if (more.empty()) ++at_;
                        loop_.post([this, more] { next(more); });
                      });
  }

  net::Loop& loop_;
  kube::ApiClient& api_;
  const kube::Scope scope_;
  std::vector<Step> steps_;
  std::size_t at_ = 0;
  Result<void> result_;
  net::Handle call_;
};

int give_up(const Error& error) {
  std::fprintf(stderr, "knfe: %s\n", error.text().c_str());
  return 1;
}

}  // namespace

int run_status(const StatusOptions& options) {
  kube::ConfigOptions where;
  if (!options.kubeconfig.empty()) where.path = options.kubeconfig;
  if (!options.context.empty()) where.context = options.context;
  auto config = kube::load_config(where);
  if (!config) return give_up(config.error());
  net::Loop loop;
  auto transport = net::make_https_client(loop, config->endpoint);
  if (!transport) return give_up(transport.error());
  kube::ApiClient api(**transport, *config, &loop);

  const std::string ns = options.all_namespaces ? "" : options.ns.empty() ? config->default_namespace : options.ns;
  operators::View view;
  Reader reader(loop, api, {ns, {}, {}});
  reader.want(view.services, api::decode_object<api::NetworkService>);
  reader.want(view.functions, api::decode_object<api::NetworkFunction>);
  reader.want(view.member_sets, api::decode_object<api::MemberSet>);
  reader.want(view.members, api::decode_object<api::Member>);
  reader.want(view.networks, api::decode_object<api::Network>);
  reader.want(view.pods, api::decode_pod, operators::label::kMember);
  if (auto read = reader.run(); !read) return give_up(read.error());

  const auto made = report_status(view, ns, options.name);
  if (!made) return give_up(made.error()), 2;
  const auto& report = *made;
  if (!report.found && !options.name.empty()) {
    const std::string place = ns.empty() ? "any namespace" : "namespace " + ns;
    return give_up(
        {Code::kNotFound, "there is no " + options.name + " of KNFE's in " + place, {}, "knfe status -A shows all", 0});
  }
  if (options.json) {
    std::printf("%s\n", to_text(report.json).c_str());
  } else if (!report.found) {
    std::printf("Nothing of KNFE is in %s.\n", ns.empty() ? "any namespace" : ("namespace " + ns).c_str());
  } else {
    std::printf("%s", report.text.c_str());
  }
  return report.ready ? 0 : 1;
}

}  // namespace knfe::cmd
