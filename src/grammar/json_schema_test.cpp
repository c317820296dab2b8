#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "grammar/constraint.h"
#include "grammar/grammar_testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
namespace {

using Json = nlohmann::json;

GrammarPtr schema_of(std::string_view schema) {
  auto grammar = json_schema(schema);
  EXPECT_TRUE(grammar.ok()) << schema << ": " << grammar.error().message;
  return std::move(grammar).value();
}

const char* const kSchemas[] = {
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"null"},"c":{"type":"number"}},"required":["b"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"string","maxLength":3},"ab":{"type":"string","minLength":2}},"additionalProperties":{"type":"integer"}})",
    R"({"type":"object","required":["x"],"additionalProperties":true})",
    R"({"type":"array","items":{"type":"integer","minimum":-5,"maximum":12},"minItems":2,"maxItems":4})",
    R"({"type":"array","items":{"type":"array","items":{"type":"array","items":{"enum":["a","b",1,null,true,{"k":[1,"z"]}]}}}})",
    R"({"type":"array","prefixItems":[{"type":"string","maxLength":2},{"type":"boolean"}],"items":{"type":"null"},"minItems":1})",
    R"({"type":"array","prefixItems":[{"type":"integer"}],"items":false})",
    R"({"type":"array","maxItems":0})",
    R"({"type":"array","maxItems":1})",
    R"({"type":["string","null","integer"]})",
    R"({"type":"string","minLength":3,"maxLength":5})",
    R"({"type":"string","pattern":"^[a-c]+\"[\\\\/]x$"})",
    R"({"type":"string","pattern":"a\\d"})",
    R"({"type":"string","pattern":"^(ab|c)$|x"})",
    R"({"type":"string","format":"date-time"})",
    R"({"type":"string","format":"date"})",
    R"({"type":"string","format":"time"})",
    R"({"type":"string","format":"duration"})",
    R"({"type":"string","format":"email"})",
    R"({"type":"string","format":"hostname"})",
    R"({"type":"string","format":"ipv4"})",
    R"({"type":"string","format":"ipv6"})",
    R"({"type":"string","format":"uuid"})",
    R"({"type":"string","format":"uri"})",
    R"({"type":"integer","minimum":0})",
    R"({"type":"integer","exclusiveMinimum":17,"maximum":1205})",
    R"({"type":"integer","minimum":-1300,"exclusiveMaximum":-7})",
    R"({"type":"integer","minimum":-20,"maximum":300,"multipleOf":7})",
    R"({"type":"integer","multipleOf":12})",
    R"({"type":"number","minimum":0.25,"exclusiveMaximum":13.5})",
    R"({"type":"number","exclusiveMinimum":-2.75,"maximum":-0.001})",
    R"({"type":"number","minimum":-1,"maximum":1e-3})",
    R"({"type":"number","multipleOf":0.01,"minimum":0})",
    R"({"type":"number","multipleOf":5})",
    R"({"type":"number"})",
    R"({"const":{"a":"x\ny","b":[1,2.5]}})",
    R"({"enum":["red","green","re",17]})",
    R"({"enum":["red",17,null],"type":["string","null"]})",
    R"({"anyOf":[{"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"],"additionalProperties":false},{"type":"object","properties":{"kind":{"const":"b"},"y":{"type":"string"}},"required":["kind"],"additionalProperties":false}]})",
    R"({"oneOf":[{"type":"string"},{"type":"integer"},{"type":"object","properties":{"t":{"const":"u"}},"required":["t"]},{"type":"object","properties":{"t":{"enum":["v","w"]}},"required":["t"]}]})",
    R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]})",
    R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]})",
    R"({"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"],"additionalProperties":false}},"$ref":"#/$defs/node"})",
    R"({"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}}},"required":["children"],"additionalProperties":false})",
    R"({"definitions":{"a~b/c":{"enum":[1,2]}},"type":"array","items":{"$ref":"#/definitions/a~0b~1c"},"description":"x"})",
    R"({"type":"object"})",
    R"({"type":"array"})",
    R"({})",
    R"(true)",
    R"({"properties":{"\"q\\ ":{"type":"string"},"日本":{"type":"boolean"}},"required":["日本","\"q\\ "]})",
};

// Whatever masks allow is JSON and satisfies the schema, by another's judgement.
void check_walks(std::string_view schema, const Tokenizer& tokenizer,
                 const std::shared_ptr<const Vocabulary>& vocabulary, int n_walks, int max_tokens) {
  SCOPED_TRACE(schema);
  const GrammarPtr grammar = schema_of(schema);
  const Json parsed_schema = Json::parse(schema);
  Rng rng(7);
  for (int i = 0; i < n_walks; ++i) {
    const Walk walk = random_walk(grammar, tokenizer, vocabulary, rng, max_tokens);
    EXPECT_TRUE(walk.complete);
    const Json value = Json::parse(walk.text, nullptr, /*allow_exceptions=*/false);
    ASSERT_FALSE(value.is_discarded()) << walk.text;
    ASSERT_EQ(why_invalid(parsed_schema, value), "") << walk.text;
  }
}

TEST(JsonSchema, WhateverMasksAllowIsValid) {
  for (const char* schema : kSchemas) {
    check_walks(schema, tiny_tokenizer(), tiny_vocabulary(), 30, 40);
  }
}

TEST(JsonSchema, WhateverMasksAllowIsValidWithARealVocabulary) {
  for (const char* schema : kSchemas) {
    check_walks(schema, family_tokenizer("qwen2.5"), family_vocabulary("qwen2.5"), 2, 10);
  }
}

TEST(JsonSchema, AnyJsonObjectIsAnObject) {
  const GrammarPtr grammar = json_object().value();
  Rng rng(11);
  for (int i = 0; i < 50; ++i) {
    const Walk walk = random_walk(grammar, tiny_tokenizer(), tiny_vocabulary(), rng, 100);
    const Json value = Json::parse(walk.text, nullptr, false);
    EXPECT_TRUE(value.is_object()) << walk.text;
  }
}

struct Valid {
  const char* schema;
  std::vector<const char*> texts;
};

const Valid kValid[] = {
    {R"({"type":"object"})",
     {R"({})", R"({ "a" : [1, -2.5e-3, "x\u00e4\ud83d\ude00\n\/", {"b":null}], "日本": true })",
      "{\n  \"a\": {\n    \"b\": []\n  }\n}"}},
    {kSchemas[0], {R"({"name":"Ann \"x\"","age":30})", R"({ "name": "", "age": -1 })"}},
    {kSchemas[1], {R"({"b":null})", R"({"a":true,"b":null})", R"({"b": null, "c": 1e5})"}},
    {kSchemas[2], {R"({})", R"({"a":"日本語","b":3})", R"({"ab":"xy","abc":0, "":-1})"}},
    {kSchemas[3], {R"({"x":[{}], "y":1})"}},
    {kSchemas[4], {"[-5,12]", "[0, 1, 2, 3]"}},
    {kSchemas[12], {R"("abc\"\\x")", R"("a\"/x")"}},
    {kSchemas[13], {R"("xxa1\n")", R"("a7")"}},
    {kSchemas[15], {R"("2024-02-28T23:59:59.123Z")", R"("1999-12-31T00:00:00+01:00")"}},
    {kSchemas[18], {R"("P1Y2M3D")", R"("PT5M")", R"("P3W")", R"("P1DT12H")"}},
    {kSchemas[22], {R"("::1")", R"("2001:db8::8a2e:370:7334")", R"("1:2:3:4:5:6:7:8")"}},
    {kSchemas[24], {R"("https://example.com/a/b?c=d#e")"}},
    {kSchemas[26], {"18", "99", "100", "1205"}},
    {kSchemas[27], {"-8", "-1300", "-99"}},
    {kSchemas[28], {"-14", "0", "7", "294"}},
    {kSchemas[30], {"0.25", "1", "13.4999", "0.3", "10.0"}},
    {kSchemas[31], {"-0.001", "-2.749", "-1"}},
    {kSchemas[32], {"-1", "0", "0.001", "-0.5", "0.0009"}},
    {kSchemas[43], {R"({"value":1,"next":{"value":2,"next":null}})"}},
    {kSchemas[44], {R"({"children":[{"children":[]},{"children":[]}]})"}},
};

TEST(JsonSchema, ValidTextsAreAllowedTokenByToken) {
  for (const auto& [schema, texts] : kValid) {
    SCOPED_TRACE(schema);
    const GrammarPtr grammar = schema_of(schema);
    for (const char* text : texts) {
      EXPECT_EQ(why_invalid(Json::parse(schema), Json::parse(text)), "") << text;
      EXPECT_TRUE(accepts(grammar, text)) << text;
      for (const std::string_view family : {"qwen2.5", "deepseek-v3"}) {
        const Tokenizer& tokenizer = family_tokenizer(family);
        const auto why = refusal(grammar, family_vocabulary(family), tokenizer.encode(text),
                                 tokenizer.vocab_size());
        EXPECT_FALSE(why.has_value()) << family << ": " << text << ": " << *why;
      }
    }
  }
}

TEST(JsonSchema, InvalidTextsAreRefused) {
  const Valid cases[] = {
      {R"({"type":"object"})",
       {R"({"a":1,})", R"({a:1})", R"({"a":01})", R"({"a":"\x"})", R"({"a":"\ud800"})", "[]",
        R"({"a":tru})", "{\"a\":\"\n\"}", "{\"a\":\"\xC3\"}", R"({"a":1} )"}},
      {kSchemas[0],
       {R"({"age":1,"name":"x"})", R"({"name":"x"})", R"({"name":"x","age":1.5})",
        R"({"name":"x","age":1,"z":0})"}},
      {kSchemas[2], {R"({"a":3})", R"({"b":"x"})", R"({"\u0061":3})", R"({"a":"long!"})"}},
      {kSchemas[4], {"[1]", "[1,2,3,4,5]", "[13,1]", "[-6,1]", "[-0.5,1]"}},
      {kSchemas[26], {"17", "1206", "9999", "0", "-18"}},
      {kSchemas[27], {"-7", "-1301", "8", "0"}},
      {kSchemas[28], {"8", "301", "-21", "-0"}},
      {kSchemas[30], {"0.24", "13.5", "14", "-1", "0.2499", "0"}},
      {kSchemas[31], {"0", "-2.75", "-0.0009", "-3"}},
      {kSchemas[32], {"0.0011", "1", "-1.01"}},
      {kSchemas[33], {"0.001", "-0.01"}},
  };
  for (const auto& [schema, texts] : cases) {
    const GrammarPtr grammar = schema_of(schema);
    for (const char* text : texts) EXPECT_FALSE(accepts(grammar, text)) << schema << ": " << text;
  }
}

TEST(JsonSchema, SaysWhereAndWhyASchemaIsRefused) {
  const std::tuple<const char*, ErrorCode, std::string_view> cases[] = {
      {R"({)", ErrorCode::kInvalidArgument, "schema: not JSON"},
      {R"(3)", ErrorCode::kInvalidArgument, "$: expected a schema"},
      {R"({"type":"objekt"})", ErrorCode::kInvalidArgument, "$.type: there is no type"},
      {R"({"type":"object","properties":{"a":{"not":{}}}})", ErrorCode::kUnsupported,
       "$.properties.a: \"not\""},
      {R"({"type":"array","items":{"type":"array","uniqueItems":true}})", ErrorCode::kUnsupported,
       "$.items: \"uniqueItems\""},
      {R"({"patternProperties":{"a":{}}})", ErrorCode::kUnsupported, "patternProperties"},
      {R"({"type":"string","format":"iri"})", ErrorCode::kUnsupported, "$.format: \"iri\""},
      {R"x({"type":"string","pattern":"(?=a)"})x", ErrorCode::kUnsupported, "$.pattern"},
      {R"({"type":"string","pattern":"a+","maxLength":3})", ErrorCode::kUnsupported, "lengths"},
      {R"({"$ref":"#/$defs/no"})", ErrorCode::kInvalidArgument, "$: $ref to nothing"},
      {R"({"$ref":"http://x/y"})", ErrorCode::kUnsupported, "$: $ref to another document"},
      {R"({"$ref":"#"})", ErrorCode::kInvalidArgument, "no text"},
      {R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", ErrorCode::kUnsupported, "left recursion"},
      {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
       ErrorCode::kInvalidArgument, "no text"},
      {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", ErrorCode::kUnsupported,
       "$.oneOf: schemas 0 and 1"},
      {R"({"type":"integer","multipleOf":0.3})", ErrorCode::kUnsupported, "$.multipleOf"},
      {R"({"type":"integer","minimum":5,"maximum":4})", ErrorCode::kInvalidArgument, "no text"},
      {R"({"type":"string","minLength":-1})", ErrorCode::kInvalidArgument, "$.minLength"},
      {R"({"type":"object","required":["z"],"additionalProperties":false})",
       ErrorCode::kInvalidArgument, "$.required: \"z\""},
      {R"(false)", ErrorCode::kInvalidArgument, "no text"},
      {R"({"enum":[]})", ErrorCode::kInvalidArgument, "no text"},
      {R"({"enum":["a"],"minLength":2})", ErrorCode::kUnsupported, "$: constants"},
  };
  for (const auto& [schema, code, expected] : cases) {
    const auto grammar = json_schema(schema);
    ASSERT_FALSE(grammar.ok()) << schema;
    EXPECT_EQ(grammar.error().code, code) << schema << ": " << grammar.error().message;
    EXPECT_NE(grammar.error().message.find(expected), std::string::npos)
        << schema << ": " << grammar.error().message;
  }
}

TEST(JsonSchema, HostileSchemasAreRefusedOrCompiledInBoundedTime) {
  // Each definition twice in the next: 2^40 copies if they were written out.
  std::string doubling = R"({"$ref":"#/$defs/d40","$defs":{"d0":{"type":"integer"})";
  for (int i = 1; i <= 40; ++i) {
    const std::string ref = R"({"$ref":"#/$defs/d)" + std::to_string(i - 1) + "\"}";
    doubling += ",\"d" + std::to_string(i) + R"(":{"type":"array","prefixItems":[)" + ref + "," +
                ref + R"(],"items":false,"minItems":2})";
  }
  EXPECT_TRUE(json_schema(doubling + "}}").ok());
  // The same through allOf, which is written out.
  std::string merging = R"({"$ref":"#/$defs/d40","$defs":{"d0":{"type":"object"})";
  for (int i = 1; i <= 40; ++i) {
    const std::string ref = R"({"$ref":"#/$defs/d)" + std::to_string(i - 1) + "\"}";
    merging += ",\"d" + std::to_string(i) + R"(":{"allOf":[)" + ref + "," + ref + "]}";
  }
  EXPECT_FALSE(json_schema(merging + "}}").ok());
  EXPECT_FALSE(json_schema(R"({"allOf":[{"$ref":"#"}]})").ok());
  std::string nested = R"({"type":"integer"})";
  for (int i = 0; i < 25; ++i)
    nested = R"({"type":"array","minItems":100,"maxItems":900,"items":)" + nested + "}";
  EXPECT_TRUE(json_schema(nested).ok());
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += R"({"items":)";
  EXPECT_FALSE(json_schema(deep).ok());
  std::string many = R"({"type":"object","properties":{"p":{})";
  for (int i = 0; i < 3000; ++i)
    many += ",\"p" + std::to_string(i) + R"(":{"type":"string","maxLength":20000})";
  EXPECT_FALSE(json_schema(many + "}}").ok());
  // Optional properties: any of them may be the next.
  std::string optional = R"({"type":"object","properties":{"p":{})";
  for (int i = 0; i < 300; ++i) optional += ",\"p" + std::to_string(i) + R"(":{})";
  const auto grammar = json_schema(optional + "}}");
  ASSERT_TRUE(grammar.ok()) << grammar.error().message;
  EXPECT_TRUE(accepts(grammar.value(), R"({"p0":1,"p299":2})"));
}

}  // namespace
}  // namespace sputnik::grammar
