#include <yaml.h>

#include <cmath>
#include <string>

#include "base/decimal.h"
#include "base/yaml.h"
#include "base/yaml_scalar.h"

namespace knfe {

namespace {

constexpr int kWidth = 100;

// The length of the UTF-8 sequence at the start of `text`; 0 if there is none (RFC 3629: no surrogates, no detours).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool detour = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool nowhere = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return detour || nowhere ? 0 : size;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = sequence_length(text);
    valid += size > 0 ? text.substr(0, size) : "\xef\xbf\xbd";
    text.remove_prefix(size > 0 ? size : 1);
  }
  return valid;
}

// Always with a point or an exponent that YAML 1.1 reads as a float too.
std::string float_text(double number) {
  if (std::isnan(number)) return ".nan";
  if (std::isinf(number)) return number < 0 ? "-.inf" : ".inf";
  std::string text = exact_decimal(number);
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

class Emitter {
 public:
  explicit Emitter(std::string& out) {
    KNFE_CHECK(yaml_emitter_initialize(&emitter_) == 1);
    yaml_emitter_set_output(&emitter_, append, &out);
    yaml_emitter_set_unicode(&emitter_, 1);
    yaml_emitter_set_width(&emitter_, kWidth);
  }
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;
  ~Emitter() { yaml_emitter_delete(&emitter_); }

  void document(const Json& root) {
    emit(yaml_stream_start_event_initialize(&event_, YAML_UTF8_ENCODING));
    emit(yaml_document_start_event_initialize(&event_, nullptr, nullptr, nullptr, 1));
    value(root);
    emit(yaml_document_end_event_initialize(&event_, 1));
    emit(yaml_stream_end_event_initialize(&event_));
  }

 private:
  static int append(void* out, unsigned char* bytes, std::size_t size) {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(bytes), size);
    return 1;
  }

  // libyaml fails only for want of memory or on bytes that are not UTF-8, and those are gone by now.
  void emit(int initialized) {
    KNFE_CHECK(initialized == 1);
    KNFE_CHECK(yaml_emitter_emit(&emitter_, &event_) == 1);
  }

  void value(const Json& json) {
    switch (json.kind()) {
      case boost::json::kind::null:
        return word("null", YAML_PLAIN_SCALAR_STYLE);
      case boost::json::kind::bool_:
        return word(json.get_bool() ? "true" : "false", YAML_PLAIN_SCALAR_STYLE);
      case boost::json::kind::int64:
        return word(std::to_string(json.get_int64()), YAML_PLAIN_SCALAR_STYLE);
      case boost::json::kind::uint64:
        return word(std::to_string(json.get_uint64()), YAML_PLAIN_SCALAR_STYLE);
      case boost::json::kind::double_:
        return word(float_text(json.get_double()), YAML_PLAIN_SCALAR_STYLE);
      case boost::json::kind::string:
        return text(as_string(json));
      case boost::json::kind::array:
        return sequence(json.get_array());
      case boost::json::kind::object:
        return mapping(json.get_object());
    }
  }

  void sequence(const JsonArray& items) {
    const auto style = items.empty() ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE;
    emit(yaml_sequence_start_event_initialize(&event_, nullptr, nullptr, 1, style));
    for (const auto& item : items) value(item);
    emit(yaml_sequence_end_event_initialize(&event_));
  }

  void mapping(const JsonObject& members) {
    const auto style = members.empty() ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE;
    emit(yaml_mapping_start_event_initialize(&event_, nullptr, nullptr, 1, style));
    for (const auto& member : members) {
      text(std::string_view(member.key().data(), member.key().size()));
      value(member.value());
    }
    emit(yaml_mapping_end_event_initialize(&event_));
  }

  void text(std::string_view meant) {
    const std::string valid = valid_utf8(meant);
    auto style = YAML_ANY_SCALAR_STYLE;
    if (needs_quotes(valid)) {
      style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    } else if (valid.find('\n') != std::string::npos) {
      style = YAML_LITERAL_SCALAR_STYLE;
    }
    word(valid, style);
  }

  void word(const std::string& characters, yaml_scalar_style_t style) {
    const auto* bytes = reinterpret_cast<const yaml_char_t*>(characters.data());
    emit(yaml_scalar_event_initialize(&event_, nullptr, nullptr, bytes, static_cast<int>(characters.size()), 1, 1, style));
  }

  yaml_emitter_t emitter_{};
  yaml_event_t event_{};
};

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  Emitter(out).document(value);
  return out;
}

}  // namespace knfe
