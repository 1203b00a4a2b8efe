# frozen_string_literal: true

require_relative 'helper'
require_relative 'steps'
require 'logger'

# Runs the shared test vectors.
class TestVectors < Minitest::Test
  include Helper

  def test_ruby_does_what_every_surface_does
    command = [required('VERSIONER_SCRIPTED_SERVER'), '--vectors', required('VERSIONER_VECTORS')]
    IO.popen(command, 'r+') do |server|
      url = server.gets.chomp
      names = get("#{url}/cases?surface=ruby")
      assert_operator names.size, :>, 150
      failed = names.map { |name| run_case(url, name) }.compact
      assert_empty failed, failed.join("\n")
      server.close_write
    end
  end

  private

  def run_case(url, name)
    start = post("#{url}/start", case: name, surface: 'ruby')
    verdict = post("#{url}/finish", run: start['run'], result: perform(start))
    "#{name}: #{verdict['differences'].join('; ')}" unless verdict['passed']
  end

  def perform(start)
    options = start['options'].transform_keys(&:to_sym)
    bytes = start.fetch('environment_bytes', {}).transform_values { |text| text.unpack1('m') }
    environment = start['environment'].merge(bytes)
    made = Versioner::Client.new(environment: environment, logger: Logger.new(nil), **options)
    return { steps: Steps.new(made, start['event']).perform(start['steps']) } if start['steps']

    call(made, start, start['fields'].transform_keys(&:to_sym)).to_h
  rescue Versioner::Error => e
    e.result.to_h
  ensure
    made&.close
  end

  def call(client, start, fields)
    case start['call']
    when 'check' then client.check_deployment(**fields)
    when 'read' then client.read(start['path'], start['query'].to_h)
    when 'state' then client.state(**fields)
    when 'deployed_version' then client.deployed_version(**fields)
    else client.public_send("track_#{start['event']}", **fields)
    end
  end

  def get(url)
    JSON.parse(Net::HTTP.get(URI(url)))
  end

  def post(url, body)
    answer = Net::HTTP.post(URI(url), JSON.generate(body, max_nesting: 0), 'Content-Type' => 'application/json')
    JSON.parse(answer.body, max_nesting: false)
  end
end
