# frozen_string_literal: true

require_relative 'helper'
require_relative '../generate_header'

# The generated file and the signatures belong to the code.
class TestHeader < Minitest::Test
  ROOT = File.expand_path('..', __dir__)

  def test_the_generated_file_is_up_to_date
    header = File.read(File.join(ROOT, '../../include/versioner.h'))
    checked_in = File.read(File.join(ROOT, 'lib/versioner/header.rb'))
    assert_equal HeaderReader.new(header).ruby, checked_in, 'run `ruby generate_header.rb`'
  end

  def test_the_documentation_names_every_warning
    header = File.read(File.join(ROOT, '../../include/versioner.h'))
    named = header[/^.. What a warning is about;.*?versioner_result_warning_kind/m].scan(/"([a-z_]+)"/)
    documentation = File.read(File.join(ROOT, 'lib/versioner/result.rb'))[/\A.*?Warning = /m]
    assert_equal named.sort, documentation.scan(/\+:([a-z_]+)\+/).uniq.sort
  end

  def test_an_end_takes_all_that_the_header_has
    own = %i[struct_size has_exit_code]
    members = Versioner::Header::ENDING.keys.map { |name| name.to_s.delete_suffix('_ms').to_sym } - own
    assert_equal members.sort, Versioner::Span.instance_method(:end).parameters.map(&:last).sort
  end

  def test_every_field_and_public_method_has_a_signature
    signatures = File.read(File.join(ROOT, 'sig/versioner.rbs'))
    classes = Versioner.constants.grep(/Error\z/).map(&:to_s) - %w[Error]
    assert_equal classes.sort, signatures.scan(/^  class (\w+Error) /).flatten.sort
    events = [Versioner::Header::BUILD_EVENT, Versioner::Header::DEPLOYMENT_EVENT]
    unset = %i[struct_size cancel_flag timeout_ms lease_ms wait_ms reserved]
    fields = events.flat_map(&:keys).uniq - unset + %i[timeout lease wait]
    fields.each { |name| assert_match(/\?#{name}:/, signatures) }
    methods = [Versioner::Client, Versioner::Span].flat_map { |type| type.public_instance_methods(false) }
    methods.each { |name| assert_match(/def #{name}:|alias #{name} |attr_reader #{name}:/, signatures) }
    Versioner::Result.members.each { |name| assert_match(/attr_reader #{name}:/, signatures) }
  end
end
