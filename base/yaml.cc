#include "base/yaml.h"

#include <yaml.h>

#include <algorithm>

#include "base/yaml_scalar.h"

namespace knfe {

namespace {

constexpr std::size_t kMaxSize = 4u << 20;
constexpr int kMaxDepth = 64;

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw_); }
  yaml_event_t* fresh() {
    yaml_event_delete(&raw_);
    return &raw_;
  }
  const yaml_event_t* operator->() const { return &raw_; }

 private:
  yaml_event_t raw_{};
};

std::string_view view(const yaml_char_t* text) { return text ? reinterpret_cast<const char*>(text) : std::string_view(); }

std::string_view value_of(const Event& event) {
  return {reinterpret_cast<const char*>(event->data.scalar.value), event->data.scalar.length};
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : text_(text), file_(file) {
    KNFE_CHECK(yaml_parser_initialize(&parser_) == 1);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }

  Result<Json> document() {
    Event event;
    if (auto next = skip_to(event, YAML_STREAM_START_EVENT); !next) return std::unexpected(std::move(next).error());
    if (auto next = advance(event); !next) return std::unexpected(std::move(next).error());
    if (event->type == YAML_STREAM_END_EVENT) return Json(nullptr);
    if (auto next = advance(event); !next) return std::unexpected(std::move(next).error());
    KNFE_TRY(Json root, value(event, 0));
    if (auto next = skip_to(event, YAML_DOCUMENT_END_EVENT); !next) return std::unexpected(std::move(next).error());
    if (auto next = advance(event); !next) return std::unexpected(std::move(next).error());
    if (event->type != YAML_STREAM_END_EVENT) return refuse(event, "a second document, where one is wanted");
    return root;
  }

 private:
  static std::string position(std::size_t line, std::size_t column) {
    return ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1);
  }

  std::unexpected<Error> refuse(const Event& event, std::string message, std::string hint = {}) const {
    const auto& mark = event->start_mark;
    return fail(Code::kInvalid, std::move(message), std::string(file_) + position(mark.line, mark.column), std::move(hint));
  }

  Result<void> advance(Event& event) {
    if (yaml_parser_parse(&parser_, event.fresh()) == 1) return {};
    KNFE_CHECK(parser_.error != YAML_MEMORY_ERROR);
    const std::string problem = parser_.problem ? parser_.problem : "unknown problem";
    if (parser_.error != YAML_READER_ERROR) {
      const auto& mark = parser_.problem_mark;
      return fail(Code::kInvalid, "not YAML: " + problem, std::string(file_) + position(mark.line, mark.column));
    }
    // Bad bytes come with an offset only.
    const auto before = text_.substr(0, parser_.problem_offset);
    const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const auto column = before.size() - (before.rfind('\n') + 1);
    return fail(Code::kInvalid, "not YAML: " + problem, std::string(file_) + position(line, column));
  }

  Result<void> skip_to(Event& event, yaml_event_type_t expected) {
    auto next = advance(event);
    KNFE_CHECK(!next || event->type == expected);
    return next;
  }

  // Anchors would be of use to aliases only, and tags could make anything of anything.
  Result<void> undecorated(const Event& event, const yaml_char_t* anchor, const yaml_char_t* tag, std::string_view usual) {
    if (anchor) return refuse(event, "an anchor", "write the value out where it is needed");
    if (tag && view(tag) != usual && view(tag) != "!") return refuse(event, "a tag that does not fit", "leave it away");
    return {};
  }

  Result<Json> value(const Event& event, int depth) {
    if (depth == kMaxDepth && event->type != YAML_SCALAR_EVENT) return refuse(event, "more than 64 levels deep");
    switch (event->type) {
      case YAML_SCALAR_EVENT:
        return scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        return sequence(event, depth);
      case YAML_MAPPING_START_EVENT:
        return mapping(event, depth);
      default:
        return refuse(event, "an alias", "write the value out");
    }
  }

  Result<Json> scalar(const Event& event) {
    const auto& parts = event->data.scalar;
    if (auto plain = undecorated(event, parts.anchor, parts.tag, YAML_STR_TAG); !plain) {
      return std::unexpected(std::move(plain).error());
    }
    const auto text = value_of(event);
    if (parts.style != YAML_PLAIN_SCALAR_STYLE || parts.tag) return Json(boost::json::string_view(text.data(), text.size()));
    auto meant = plain_scalar(text);
    if (!meant) return refuse(event, meant.error().message, meant.error().hint);
    return meant;
  }

  Result<Json> sequence(const Event& start, int depth) {
    const auto& parts = start->data.sequence_start;
    if (auto plain = undecorated(start, parts.anchor, parts.tag, YAML_SEQ_TAG); !plain) {
      return std::unexpected(std::move(plain).error());
    }
    JsonArray items;
    Event event;
    while (true) {
      if (auto next = advance(event); !next) return std::unexpected(std::move(next).error());
      if (event->type == YAML_SEQUENCE_END_EVENT) return Json(std::move(items));
      KNFE_TRY(Json item, value(event, depth + 1));
      items.push_back(std::move(item));
    }
  }

  Result<Json> mapping(const Event& start, int depth) {
    const auto& parts = start->data.mapping_start;
    if (auto plain = undecorated(start, parts.anchor, parts.tag, YAML_MAP_TAG); !plain) {
      return std::unexpected(std::move(plain).error());
    }
    JsonObject members;
    Event event;
    while (true) {
      if (auto next = advance(event); !next) return std::unexpected(std::move(next).error());
      if (event->type == YAML_MAPPING_END_EVENT) return Json(std::move(members));
      KNFE_TRY(const std::string name, key(event));
      if (members.contains(name)) return refuse(event, "the key '" + name + "' is there twice");
      if (auto next = advance(event); !next) return std::unexpected(std::move(next).error());
      KNFE_TRY(Json member, value(event, depth + 1));
      members.emplace(name, std::move(member));
    }
  }

  Result<std::string> key(const Event& event) {
    if (event->type != YAML_SCALAR_EVENT) return refuse(event, "a key that is no text");
    const auto& parts = event->data.scalar;
    if (auto plain = undecorated(event, parts.anchor, parts.tag, YAML_STR_TAG); !plain) {
      return std::unexpected(std::move(plain).error());
    }
    const auto text = value_of(event);
    if (parts.style == YAML_PLAIN_SCALAR_STYLE) {
      if (text.empty()) return refuse(event, "a key is missing");
      if (text == "<<") return refuse(event, "a merge key", "write the members out");
    }
    return std::string(text);
  }

  yaml_parser_t parser_{};
  const std::string_view text_;
  const std::string_view file_;
};

}  // namespace

Result<Json> parse_yaml(std::string_view text, std::string_view file) {
  if (text.size() > kMaxSize) return fail(Code::kInvalid, "more than 4 MiB", std::string(file));
  return Parser(text, file).document();
}

}  // namespace knfe
