# frozen_string_literal: true

require_relative 'helper'
require 'bigdecimal'
require 'date'
require 'open3'

# What Ruby values become, and which are refused before anything is sent.
class TestArguments < Minitest::Test
  include Helper

  RECURSIVE = {}.tap { |hash| hash[:again] = [hash] }

  REFUSED_FIELDS = {
    stray: 1, product: "a\0b", version: 1.10, status: false, scm_sha: ['4f1c'], build_number: { a: 1 },
    scm_branch: "caf\xE9".dup.force_encoding('Shift_JIS'), built_by: "\xFF".b, built_by_name: Time.now,
    completed_at: Date.new(2026, 1, 31), started_at: 1_700_000_000, extra_metadata: RECURSIVE,
    allow_literal: 'true', reserved: 0, timeout_ms: 1
  }.freeze

  def test_a_field_of_the_wrong_sort_is_refused_by_name
    tracker = client('http://127.0.0.1:1')
    REFUSED_FIELDS.each do |name, value|
      error = assert_raises(Versioner::ArgumentError, name) { tracker.track_build(**A_BUILD, name => value) }
      assert_equal [name.to_s, :invalid_argument, 1], [error.argument, error.kind, error.code]
      assert_includes error.message, name.to_s
    end
    error = assert_raises(Versioner::ArgumentError) { tracker.track_build(product: 'api', version: 2) }
    assert_includes error.message, "'2'"
    assert_raises(Versioner::ArgumentError) { tracker.track_deployment(**A_BUILD, skip_preflight_checks: 'true') }
  end

  def test_what_one_call_is_told
    receiving do |url, bodies|
      warnings = client(url).track_deployment(product: 'api', environment: '$(Stage)', version: '1',
                                              skip_preflight_checks: true, skip_reason: 'the site is down',
                                              allow_literal: true, timeout: 3600).warnings
      assert_equal ['$(Stage)', { 'vi_skip_reason' => 'the site is down' }],
                   bodies.pop.values_at('environment_name', 'extra_metadata')
      assert_equal %i[placeholder skip_preflight], warnings.map(&:kind).sort
    end
  end

  def test_a_timeout_of_one_call
    silent do |url, _|
      tracker = client(url, attempt_timeout: 3600, total_timeout: 7200)
      error = assert_raises(Versioner::TimeoutError) { tracker.track_build(**A_BUILD, timeout: 0.0015) }
      assert_includes error.message, '0.002 s'
      [-1, 0, 0.0001, Float::INFINITY, '5', 2**64].each do |timeout|
        error = assert_raises(Versioner::ArgumentError) { tracker.track_build(**A_BUILD, timeout: timeout) }
        assert_equal 'timeout', error.argument
      end
    end
  end

  # Else a variable that nobody set could choose another environment, or record a success.
  def test_what_is_named_is_not_blank
    tracker = client('http://127.0.0.1:1', environment: { 'VERSIONER_ENVIRONMENT' => 'staging' })
    event = { **A_BUILD, environment: 'production' }
    %i[product version environment status].each do |name|
      ['', " \t", "\uFEFF", "\u00A0\u3000"].each do |blank|
        error = assert_raises(Versioner::ArgumentError) { tracker.track_deployment(**event, name => blank) }
        assert_equal name.to_s, error.argument
      end
    end
  end

  REFUSED_OPTIONS = {
    stray: [1], fail_on_api_error: ['yes'], max_retries: [-1, 1.5, 2**31, '1'],
    retry_pause: ['1', -1, Float::INFINITY, Float::NAN, 1e30, Complex(1, 1)], attempt_timeout: [0, 0.0001],
    total_timeout: [0, Float::INFINITY], environment: ['x', { 'PORT' => 80 }, { 'A' => nil }, [1]],
    logger: [Object.new], api_key: [1], api_url: [:x]
  }.freeze

  def test_an_option_of_the_wrong_sort_is_refused_by_name
    REFUSED_OPTIONS.each do |name, values|
      values.each do |value|
        error = assert_raises(Versioner::ArgumentError, "#{name}: #{value.inspect}") { client(nil, name => value) }
        assert_includes error.message, name.to_s
      end
    end
  end

  def test_options_of_the_right_sort_are_taken
    [{ max_retries: 0, retry_pause: 0, attempt_timeout: BigDecimal('0.5'), total_timeout: Rational(3, 2) },
     { environment: nil }, { environment: ENV }, { logger: nil }].each do |options|
      client('http://127.0.0.1:1', **options).close
    end
  end

  def test_names_are_texts_or_symbols_in_a_hash_or_as_keywords
    receiving do |url, bodies|
      tracker = Versioner::Client.new('api_key' => KEY, 'api_url' => url, 'environment' => {})
      tracker.track_build('product' => 'api', 'version' => '1')
      tracker.track_build({ product: 'api' }, version: '2')
      assert_equal %w[1 2], Array.new(2) { bodies.pop['version'] }
      assert_raises(Versioner::ArgumentError) { tracker.track_build('product' => 'a', product: 'b', version: '1') }
      assert_raises(Versioner::ArgumentError) { tracker.track_build('product') }
    end
  end

  def test_texts_are_taken_by_their_bytes_or_their_encoding
    receiving do |url, bodies|
      tracker = client(url)
      labels = [Encoding::UTF_8, Encoding::US_ASCII, Encoding::BINARY]
      names = labels.map { |label| 'José'.dup.force_encoding(label) } + ['José'.encode('ISO-8859-1'), :José]
      names.each do |name|
        tracker.track_build(**A_BUILD, built_by_name: name, extra_metadata: { name => name })
        body = bodies.pop
        assert_equal ['José', { 'José' => 'José' }], body.values_at('built_by_name', 'extra_metadata')
      end
      tracker.track_build(**A_BUILD, build_number: 42, completed_at: nil)
      assert_equal '42', bodies.pop['build_number']
    end
  end

  # As in a container or under cron, where Ruby believes that everything is ASCII.
  def test_text_of_a_subprocess_in_the_c_locale
    receiving do |url, bodies|
      script = <<~'RUBY'
        require 'versioner'
        client = Versioner::Client.new(api_key: ARGV[0], api_url: ARGV[1])
        client.track_build(product: 'api', version: '1', built_by_name: `printf 'Jos\303\251'`)
      RUBY
      command = [RbConfig.ruby, '-I', LIB, '-e', script, KEY, url]
      output, status = Open3.capture2e({ 'LC_ALL' => 'C' }, *command)
      assert_predicate status, :success?, output
      assert_equal 'José', bodies.pop['built_by_name']
    end
  end

  def test_a_variable_that_is_no_text_concerns_nobody
    receiving do |url, bodies|
      variables = { 'SOME_NAME' => "Jos\xE9", "SOME_\xE9" => 'x', 'VERSIONER_PRODUCT' => 'José'.b }
      client(url, environment: variables).track_build(version: '1')
      assert_equal 'José', bodies.pop['product_name']
      error = assert_raises(Versioner::Error) do
        client(url, environment: { 'VERSIONER_PRODUCT' => "\xE9" }).track_build(version: '1')
      end
      assert_includes error.message, 'VERSIONER_PRODUCT'
    end
  end

  def test_metadata_travels_as_it_is
    value = { big: 12_345_678_901_234_567_890, exact: BigDecimal('0.10'), list: [1, 1.5, nil, true, :x] }
    expected = '{"big":12345678901234567890,"exact":0.1,"list":[1,1.5,null,true,"x"]}'
    assert_equal expected, Versioner::Metadata.json(value)
    shared = 60.times.reduce([]) { |list, _| [list, list] }
    many_digits = BigDecimal('1e9999999')
    [{ 1 => 2 }, { a: shared }, { a: many_digits }, { a: ['x' * 1_000_000] * 2 }, { a: Float::NAN },
     { a: Object.new }, { a: "\xFF" }, { "\xFF" => 1 }].each do |refused|
      error = assert_raises(Versioner::ArgumentError) { Versioner::Metadata.json(refused) }
      assert_includes error.message, 'extra_metadata'
    end
  end

  def test_a_time_is_told_with_its_zone
    receiving do |url, bodies|
      tracker = client(url)
      moment = Time.new(2026, 1, 31, 16, 4, 5.25r, '+01:00')
      [moment, moment.to_datetime, '2026-01-31T16:04:05.25+01:00'].each do |time|
        tracker.track_build(**A_BUILD, started_at: time)
        assert_match(/\A2026-01-31T16:04:05\.250*\+01:00\z/, bodies.pop['started_at'])
      end
      # RFC 3339 has no seconds in an offset, which the local times of former centuries have.
      old = Time.new(1890, 1, 1, 0, 19, 32, 1172)
      [old, old.to_datetime].each do |time|
        tracker.track_build(**A_BUILD, started_at: time)
        assert_equal '1890-01-01T00:00:00.000000Z', bodies.pop['started_at']
      end
      error = assert_raises(Versioner::ArgumentError) { tracker.track_build(**A_BUILD, completed_at: 'noon') }
      assert_includes error.message, 'completed_at'
    end
  end
end
