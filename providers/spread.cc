#include "providers/spread.h"

namespace knfe::providers {

void append(JsonObject& object, const char* list, JsonArray items) {
  auto& into = object[list];
  if (into.is_null()) into = JsonArray();
  if (!into.is_array()) return;
  for (auto& item : items) into.as_array().push_back(std::move(item));
}

void prepend(JsonObject& object, const char* list, JsonArray items) {
  auto& into = object[list];
  if (into.is_null()) into = JsonArray();
  if (!into.is_array()) return;
  for (auto& item : into.as_array()) items.push_back(std::move(item));
  into = std::move(items);
}

void add_spread(JsonObject& spec, const api::Member& member) {
  if (!member.spec.spread) return;
  JsonObject role{{operators::label::kFunction, member.spec.function}, {operators::label::kRole, member.spec.role}};
  append(spec, "topologySpreadConstraints",
         {JsonObject{{"maxSkew", 1},
                     {"topologyKey", member.spec.spread->topology_key},
                     {"whenUnsatisfiable", member.spec.spread->when_unsatisfiable},
                     {"labelSelector", JsonObject{{"matchLabels", std::move(role)}}}}});
}

}  // namespace knfe::providers
