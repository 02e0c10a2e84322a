package media

import (
	"math"
	"math/bits"
)

const (
	frameSamples = 160 // 20 ms at 8 kHz
	sampleRate   = 8000

	silencePCMU = 0xFF // +0 in mu-law
	silencePCMA = 0xD5 // the smallest positive A-law step; A-law has no zero
)

// other is the other law.
func (c Codec) other() Codec {
	if c == PCMU {
		return PCMA
	}
	return PCMU
}

// EncodePCMU appends the mu-law form of samples to dst (ITU-T G.711 table 2).
func EncodePCMU(dst []byte, samples []int16) []byte {
	for _, s := range samples {
		dst = append(dst, linearToPCMU(s))
	}
	return dst
}

// EncodePCMA appends the A-law form of samples to dst (ITU-T G.711 table 1).
func EncodePCMA(dst []byte, samples []int16) []byte {
	for _, s := range samples {
		dst = append(dst, linearToPCMA(s))
	}
	return dst
}

// DecodePCMU appends the samples of a mu-law payload to dst.
func DecodePCMU(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		dst = append(dst, pcmuToLinear(b))
	}
	return dst
}

// DecodePCMA appends the samples of an A-law payload to dst.
func DecodePCMA(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		dst = append(dst, pcmaToLinear(b))
	}
	return dst
}

// saturated is a sum as a sample.
func saturated(v int32) int16 { return int16(max(math.MinInt16, min(v, math.MaxInt16))) }

// transcode turns payload from one law into the other, in place.
func transcode(payload []byte, from, to Codec) {
	switch {
	case from == to:
	case to == PCMA:
		for i, b := range payload {
			payload[i] = pcmuToPCMA[b]
		}
	default:
		for i, b := range payload {
			payload[i] = pcmaToPCMU[b]
		}
	}
}

func linearToPCMU(s int16) byte {
	const bias, clip = 132, 32635
	sign, mag := byte(0), int(s)
	if mag < 0 {
		sign, mag = 0x80, -mag
	}
	mag = min(mag, clip) + bias // 132 and more: at least 8 bits long
	segment := bits.Len(uint(mag)) - 8
	return ^(sign | byte(segment<<4) | byte(mag>>(segment+3)&0x0F))
}

func pcmuToLinear(b byte) int16 {
	const bias = 132
	b = ^b
	mag := (int(b&0x0F)<<3+bias)<<(b>>4&7) - bias
	if b&0x80 != 0 {
		return int16(-mag)
	}
	return int16(mag)
}

func linearToPCMA(s int16) byte {
	mag, mask := int(s)>>3, byte(0xD5) // 13 bits; even bits are inverted on the wire
	if mag < 0 {
		mag, mask = -mag-1, 0x55
	}
	segment := max(0, bits.Len(uint(mag))-5)
	step := mag >> max(1, segment) & 0x0F
	return (byte(segment<<4) | byte(step)) ^ mask
}

func pcmaToLinear(b byte) int16 {
	b ^= 0x55
	mag := int(b&0x0F)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		mag = (mag + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		return int16(-mag)
	}
	return int16(mag)
}
