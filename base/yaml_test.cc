#include "base/yaml.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace knfe {

namespace {

// The value as JSON text, or "where: message" of the error.
std::string read(const std::string& yaml) {
  const auto value = parse_yaml(yaml, "f");
  return value ? to_text(*value) : value.error().where + ": " + value.error().message;
}

void round_trip(const Json& value) {
  const std::string yaml = to_yaml(value);
  CAPTURE(yaml);
  CAPTURE(to_text(value));
  const auto again = parse_yaml(yaml, "f");
  REQUIRE(again);
  REQUIRE(*again == value);
  REQUIRE(to_text(*again) == to_text(value));  // kinds of numbers, too
}

}  // namespace

TEST_CASE("what Kubernetes manifests are made of") {
  CHECK(read("a: 1\nb:\n- x\n- {c: [true, null], d: ''}\n") == R"({"a":1,"b":["x",{"c":[true,null],"d":""}]})");
  CHECK(read("--- # comment\na: b # c\n...\n") == R"({"a":"b"})");
  CHECK(read("a: |\n  one\n   two\nb: >-\n  one\n  two\n\n  three\nc: |+\n  x\n\n") ==
        R"({"a":"one\n two\n","b":"one two\nthree","c":"x\n\n"})");
  CHECK(read("a: one\n  two\nb: \"x\\\n  y\\u00e4\"\n") == "{\"a\":\"one two\",\"b\":\"xy\xc3\xa4\"}");
  CHECK(read("") == "null");
  CHECK(read("# only a comment\n") == "null");
  CHECK(read("\xef\xbb\xbf"
             "a: b") == R"({"a":"b"})");
  CHECK(read(R"({"a": "\/\n", "b": [1.5, -2, 1e3]})") == R"({"a":"/\n","b":[1.5E0,-2,1E3]})");
  CHECK(read("? a\n: b\n1: c\ntrue: d\n'': e\n\"<<\": f\n") == R"({"a":"b","1":"c","true":"d","":"e","<<":"f"})");
}

TEST_CASE("words without quotes") {
  const std::pair<const char*, const char*> words[] = {
      {"~", "null"},
      {"null", "null"},
      {"Null", "null"},
      {"NULL", "null"},
      {"nULL", "\"nULL\""},
      {"''", "\"\""},
      {"true", "true"},
      {"True", "true"},
      {"FALSE", "false"},
      {"tRue", "\"tRue\""},
      {"yes", "\"yes\""},
      {"No", "\"No\""},
      {"on", "\"on\""},
      {"OFF", "\"OFF\""},
      {"y", "\"y\""},
      {"0", "0"},
      {"-0", "0"},
      {"+5", "5"},
      {"42", "42"},
      {"-42", "-42"},
      {"0644", "420"},
      {"-010", "-8"},
      {"00", "0"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"0x", "\"0x\""},
      {"0xg", "\"0xg\""},
      {"-0x1", "\"-0x1\""},
      {"0o8", "\"0o8\""},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"1.", "1E0"},
      {".5", "5E-1"},
      {"-1.5e-3", "-1.5E-3"},
      {"1e3", "1E3"},
      {"01.5", "1.5E0"},
      {".", "\".\""},
      {"-", "[null]"},
      {"+", "\"+\""},
      {"1e", "\"1e\""},
      {"1e+", "\"1e+\""},
      {".e1", "\".e1\""},
      {"1_000", "\"1_000\""},
      {"0b1", "\"0b1\""},
      {"1:20", "\"1:20\""},
      {"2026-01-02", "\"2026-01-02\""},
      {"10.0.0.1", "\"10.0.0.1\""},
      {"1.2.3", "\"1.2.3\""},
      {"inf", "\"inf\""},
      {"'1'", "\"1\""},
      {"\"true\"", "\"true\""},
      {"!!str 1", "\"1\""},
      {"! 1", "\"1\""},
  };
  for (const auto& [yaml, json] : words) {
    CAPTURE(yaml);
    CHECK(read(yaml) == json);
  }
}

TEST_CASE("numbers that JSON cannot hold, or that readers disagree about") {
  for (const std::string word : {"18446744073709551616", "-9223372036854775809", "0x10000000000000000", "1e999", "-1e999", ".inf",
                                 "-.INF", "+.Inf", ".NaN", "089", "-008"}) {
    CAPTURE(word);
    const auto value = parse_yaml("a:\n  b: " + word, "f");
    REQUIRE_FALSE(value);
    CHECK(value.error().code == Code::kInvalid);
    CHECK(value.error().where == "f:2:6");
    CHECK(value.error().text().find(word) == std::string::npos);  // it may be a secret
  }
}

TEST_CASE("what multiplies or surprises is refused, and where it stands is said") {
  CHECK(read("a: &x 1\nb: *x\n") == "f:1:4: an anchor");
  CHECK(read("a: &x [1]\n") == "f:1:4: an anchor");
  CHECK(read("a: &x {}\n") == "f:1:4: an anchor");
  CHECK(read("&x a: 1\n") == "f:1:1: an anchor");
  CHECK(read("a: 1\nb: *x\n") == "f:2:4: an alias");
  CHECK(read("*x : 1\n") == "f:1:1: a key that is no text");
  CHECK(read("a:\n  <<: {b: 1}\n") == "f:2:3: a merge key");
  CHECK(read("a: 1\nb: 2\n'a': 3\n") == "f:3:1: the key 'a' is there twice");
  CHECK(read("{a: {}, a: {}}") == "f:1:9: the key 'a' is there twice");
  CHECK(read("[a]: 1\n") == "f:1:1: a key that is no text");
  CHECK(read("{? : 1}") == "f:1:4: a key is missing");
  CHECK(read("a: !!int '1'\n") == "f:1:4: a tag that does not fit");
  CHECK(read("a: !!binary aGk=\n") == "f:1:4: a tag that does not fit");
  CHECK(read("a: !mine [1]\n") == "f:1:4: a tag that does not fit");
  CHECK(read("a: !!seq {}\n") == "f:1:4: a tag that does not fit");
  CHECK(read("a: !!map {}\nb: !!seq []\n") == R"({"a":{},"b":[]})");
  CHECK(read("a: 1\n---\nb: 2\n") == "f:2:1: a second document, where one is wanted");
}

TEST_CASE("what is no YAML") {
  CHECK(read("a: b\n c: d\n").starts_with("f:2:3: not YAML: "));
  CHECK(read("a: [1, 2\n").starts_with("f:2:1: not YAML: "));
  CHECK(read("\tb: 1\n").starts_with("f:1:1: not YAML: "));
  CHECK(read("a: \"open").starts_with("f:1:"));
  CHECK(read("a: b\nc: \xff\n").starts_with("f:2:4: not YAML: "));
  CHECK(read(std::string("a: b\0c", 6)).starts_with("f:1:5: not YAML: "));
}

TEST_CASE("depth and size are limited") {
  const auto deep = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(parse_yaml(deep(64), "f"));
  CHECK(read(deep(65)) == "f:1:65: more than 64 levels deep");
  CHECK(read(std::string(1 << 20, '[')).find("more than 64 levels deep") != std::string::npos);
  std::string block;
  for (int i = 0; i < 1000; ++i) block += "- ";
  CHECK(read(block).find("more than 64 levels deep") != std::string::npos);
  const std::string most = "a: " + std::string((4 << 20) - 3, 'x');
  CHECK(parse_yaml(most, "f"));
  CHECK(read(most + "x") == "f: more than 4 MiB");
}

TEST_CASE("as text") {
  const Json value = {
      {"kind", "X"}, {"list", {1, "a", nullptr, true}}, {"none", JsonObject()}, {"empty", JsonArray()}, {"deep", {{"x", 1.5}}}};
  CHECK(to_yaml(value) == "kind: X\nlist:\n- 1\n- a\n- null\n- true\nnone: {}\nempty: []\ndeep:\n  x: 1.5\n");
  CHECK(to_yaml(Json{{"a", "one\ntwo\n"}}) == "a: |\n  one\n  two\n");
  CHECK(to_yaml(Json{{"a", "caf\xc3\xa9"}}) == "a: caf\xc3\xa9\n");
  // Not UTF-8: stray bytes, detours, surrogates, beyond the last code point, cut off.
  for (const std::string bad : {"\xff", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    std::string replaced;
    for (std::size_t i = 0; i < bad.size(); ++i) replaced += "\xef\xbf\xbd";
    CHECK(to_yaml(Json{{"a", "x" + bad + "y"}}) == "a: x" + replaced + "y\n");
  }
  const std::string longer = to_yaml(Json{{"a", std::string(300, 'x').replace(90, 1, " ").replace(180, 1, " ")}});
  CHECK(longer.find("\n  x") != std::string::npos);
}

TEST_CASE("texts that some reader of YAML takes for something else are quoted, as keys too") {
  for (const std::string word : {"",
                                 "~",
                                 "null",
                                 "Null",
                                 "true",
                                 "FALSE",
                                 "yes",
                                 "Yes",
                                 "no",
                                 "ON",
                                 "off",
                                 "y",
                                 "N",
                                 "=",
                                 "<<",
                                 "1",
                                 "-1",
                                 "+1",
                                 "0644",
                                 "089",
                                 "0x1F",
                                 "0o17",
                                 "0b101",
                                 "1_000",
                                 "1e3",
                                 "1E-3",
                                 "1.",
                                 ".5",
                                 ".inf",
                                 "-.INF",
                                 ".NaN",
                                 "1:20",
                                 "190:20:30.15",
                                 "2026-01-02",
                                 "2026-01-02T03:04:05Z",
                                 "2001-12-14 21:59:43.10 -5",
                                 "10.0.0.1",
                                 "-",
                                 "--",
                                 "---",
                                 "..."}) {
    CAPTURE(word);
    CHECK(to_yaml(Json(word)).starts_with("\"" + word + "\""));
    CHECK(to_yaml(Json{{word, 1}}) == "\"" + word + "\": 1\n");
    round_trip(Json(word));
  }
  for (const std::string word : {"v1", "100m", "1Gi", "10.0.0.0/16", "nothing", "yesterday", "a.b/c", "-v", "x=1"}) {
    CHECK(to_yaml(Json(word)).starts_with(word + "\n"));
  }
}

TEST_CASE("numbers come back as what they were") {
  for (const double number : {0.0, -0.0, 1.0, -1.5, 1e22, 1e-7, 123456789.0, 5e-324, 1.7976931348623157e308})
    round_trip(Json(number));
  round_trip(Json(std::numeric_limits<std::int64_t>::min()));
  round_trip(Json(std::numeric_limits<std::int64_t>::max()));
  round_trip(Json(std::numeric_limits<std::uint64_t>::max()));
  CHECK(to_yaml(Json(1e22)).starts_with("1.0e+22"));
}

TEST_CASE("whatever is written is read back the same") {
  const std::vector<std::string> pieces = {"a",
                                           "Z9",
                                           " ",
                                           "  ",
                                           "\n",
                                           "\n\n",
                                           "\t",
                                           "\r",
                                           "#",
                                           " #",
                                           ":",
                                           ": ",
                                           "-",
                                           "- ",
                                           "?",
                                           "? ",
                                           "'",
                                           "\"",
                                           "\\",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           ",",
                                           "&",
                                           "*",
                                           "!",
                                           "|",
                                           ">",
                                           "%",
                                           "@",
                                           "`",
                                           std::string(1, 0),
                                           "\a",
                                           "\x7f",
                                           "~",
                                           "null",
                                           "1",
                                           ".",
                                           "---",
                                           "...",
                                           "<<",
                                           "=",
                                           "\xc3\xa4",
                                           "\xc2\x85",
                                           "\xe2\x80\xa8",
                                           "\xef\xbb\xbf",
                                           "\xf0\x9f\x98\x80",
                                           "\xc2\xa0",
                                           "word word word word word word word word word word word word"};
  std::mt19937 random(4711);
  const auto pick = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  const auto text = [&] {
    std::string made;
    for (std::size_t i = pick(7); i > 0; --i) made += pieces[pick(pieces.size())];
    return made;
  };
  std::function<Json(int)> value = [&](int depth) -> Json {
    switch (pick(depth > 3 ? 5 : 8)) {
      case 0:
        return Json(static_cast<std::int64_t>(random()) * (random() % 2 ? 1 : -1));
      case 1:
        return Json(random() % 2 == 0);
      case 2:
        return Json(static_cast<double>(random()) / 1000);
      case 5: {
        JsonArray items;
        for (std::size_t i = pick(4); i > 0; --i) items.push_back(value(depth + 1));
        return items;
      }
      case 6: {
        JsonObject members;
        for (std::size_t i = pick(4); i > 0; --i) members[text()] = value(depth + 1);
        return members;
      }
      default:
        return Json(text());
    }
  };
  for (int i = 0; i < 20'000; ++i) round_trip(value(0));
}

}  // namespace knfe
