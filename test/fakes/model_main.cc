// knfe_model: the model of the API server, for a differential test. A line of JSON in, {"method","target","type","body"}; a line
// out,
// {"status","body"}. A GET with watch=1 answers with all that has happened since; "COLLECT" lets the garbage collector finish.
#include <iostream>

#include "test/fakes/api_call_test.h"
#include "test/fakes/json_test.h"

namespace {

using namespace knfe;

struct Model {
  fakes::Store store;
  std::vector<fakes::Store::Event> history;

  Model() {
    store.on_event = [this](const fakes::Store::Event& event) { history.push_back(event); };
  }

  JsonArray since(const fakes::ApiCall& call) const {
    JsonArray out;
    const auto version = std::stoull(call.query.at("resourceVersion"));
    for (const auto& event : history) {
      if (event.resource != *call.resource || std::stoull(event.version) <= version || !call.selects(*event.object)) continue;
      out.push_back(JsonObject{{"type", event.type}, {"object", static_cast<const Json&>(*event.object)}});
    }
    return out;
  }

  Json answer(const Json& asked) {
    if (as_string(at(asked, "method")) == "COLLECT") {
      while (store.collect_garbage()) {
      }
      return JsonObject{{"status", 200}, {"body", JsonObject()}};
    }
    net::Request request{std::string(as_string(at(asked, "method"))),
                         std::string(as_string(at(asked, "target"))),
                         {{"Content-Type", std::string(as_string(at(asked, "type")))}, {"User-Agent", "test"}},
                         at(asked, "body").is_null() ? "" : to_text(at(asked, "body"))};
    const auto call = *fakes::call_of(request.target);
    if (call.resource && call.query.contains("watch")) return JsonObject{{"status", 200}, {"body", since(call)}};
    const auto response = fakes::carry_out(store, call, request);
    const auto body = parse_json(response.body);
    return JsonObject{{"status", response.status}, {"body", body ? *body : Json(response.body)}};
  }
};

}  // namespace

int main() {
  Model model;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << to_text(model.answer(fakes::json(line))) << std::endl;
  }
}
