# frozen_string_literal: true

require_relative 'helper'

# The exceptions, as a program rescues them and as its tests make them.
class TestErrors < Minitest::Test
  include Helper

  ALL = Versioner.constants.grep(/Error\z/).map { |name| Versioner.const_get(name) } - [Versioner::Error]

  def test_all_have_one_root_and_ruby_s_own_beside_it
    ALL.each { |error| assert_operator error, :<, Versioner::Error }
    assert_operator Versioner::ArgumentError, :<, ::ArgumentError
    assert_operator Versioner::LibraryError, :<, ::LoadError
    (ALL - [Versioner::LibraryError]).each { |error| assert_operator error, :<, StandardError }
  end

  def test_a_test_makes_them_as_ruby_makes_any
    (ALL + [Versioner::Error]).each do |error|
      made = assert_raises(error) { raise error, 'no' }
      assert_equal %w[no no], [made.message, made.text]
      assert_includes [1, 4, 5], made.code
      assert_kind_of Versioner::Error, assert_raises(error) { raise error }
    end
    made = Versioner::RejectedError.new('not now', rule: 'Freeze', details: { 'a' => 1 })
    assert_equal [5, :rejected, 'Freeze', { 'a' => 1 }, ''],
                 [made.code, made.kind, made.rule, made.details, made.policy_code]
    assert_equal 'Freeze', Marshal.load(Marshal.dump(made)).rule
    assert_equal 1, Class.new(Versioner::TimeoutError).new('late').code
  end

  def test_a_newer_library_may_know_more
    result = Versioner::Result.parse('{"code":0,"kind":"ok","new":1,"warnings":[{"kind":"x","more":2}]}')
    assert_equal [0, '', [:x]], [result.code, result.event_id, result.warnings.map(&:kind)]
  end
end
