# frozen_string_literal: true

require_relative 'helper'
require 'open3'

# The Ruby of the README files, as somebody pastes it.
class TestReadme < Minitest::Test
  include Helper

  PROGRAMS = %w[../README.md ../../../README.md].map do |file|
    File.read(File.expand_path(file, __dir__))[/^```ruby\n(.*?client\.deployment.*?)^```$/m, 1]
  end

  def test_an_allowed_deployment_is_made_and_told
    assert_equal ['deployed', true, %w[started completed]], paste('puts "deployed"')
    output, success, told = paste('raise "the disk is full"')
    assert_includes output, 'the disk is full'
    assert_equal [false, %w[started failed]], [success, told]
    assert_equal ['', false, %w[started failed]], paste('exit 3')
  end

  def test_nothing_is_deployed_unless_it_is_allowed
    output, success, told = paste('puts "deployed"', 423, '{"detail": {"message": "frozen"}}')
    assert_includes output, 'frozen'
    assert_equal [false, %w[started]], [success, told]
    output, success = paste('puts "deployed"', 401, '{}')
    refute success
    refute_includes output, 'deployed'
  end

  private

  # Pastes each, with a deployment of ours; all end alike.
  def paste(deploy, status = 200, body = '{"id": "1"}')
    ends = PROGRAMS.map { |program| paste_one(program, deploy, status, body) }
    assert_equal ends[0].drop(1), ends[1].drop(1)
    ends[0]
  end

  def paste_one(program, deploy, status = 200, body = '{"id": "1"}')
    told = []
    answering(status, body, ->(event) { told << JSON.parse(event)['status'] }) do |url|
      environment = { 'VERSIONER_API_KEY' => KEY, 'VERSIONER_API_URL' => url }
      script = "def deploy\n#{deploy}\nend\n#{program}"
      output, process = Open3.capture2e(environment, RbConfig.ruby, '-I', LIB, '-e', script)
      [output.strip, process.success?, told]
    end
  end
end
